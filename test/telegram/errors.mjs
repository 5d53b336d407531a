// errors - what the Bot API answers when it refuses

export class ApiError extends Error {
  constructor(code, description, parameters) {
    super(description);
    this.code = code;
    this.parameters = parameters;
  }

  toReply() {
    const reply = { ok: false, error_code: this.code, description: this.message };
    return this.parameters ? { ...reply, parameters: this.parameters } : reply;
  }
}

export const badRequest = (text, parameters) => new ApiError(400, `Bad Request: ${text}`, parameters);
export const forbidden = (text) => new ApiError(403, `Forbidden: ${text}`);
export const conflict = (text) => new ApiError(409, `Conflict: ${text}`);
export const tooMany = (seconds) => new ApiError(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
