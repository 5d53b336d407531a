// faults - what may go wrong between a bot and the Bot API, on demand
//
//   faults.add('lost', { method: 'sendMessage', times: 2 });
//
// lost: the call has its effect, the connection breaks before the answer. drop: it breaks
// before the effect. 500 and 502: no effect (with effect: 500 and { after: true }). slow:
// the answer comes `ms` later. 429: no effect, and the chat is to be left alone for `seconds`.
const kinds = ['lost', 'drop', '500', '502', 'slow', '429'];

export class Faults {
  plan = [];
  happened = []; // { kind, method, at }
  isDown = false;

  add(kind, { method, when = () => true, times = 1, ms = 1000, seconds = 1, after = false } = {}) {
    if (!kinds.includes(String(kind))) throw new Error(`no such fault: ${kind}`);
    const fault = { kind: String(kind), method, when, times, ms, seconds, after };
    this.plan.push(fault);
    return fault;
  }

  clear() {
    this.plan = [];
  }

  // The fault for this call, which uses it up.
  take(method, parameters) {
    const fits = (fault) => fault.method === undefined || (fault.method instanceof RegExp ? fault.method.test(method) : fault.method === method);
    const fault = this.plan.find((one) => one.times > 0 && fits(one) && one.when(parameters));
    if (!fault) return undefined;
    fault.times--;
    this.happened.push({ kind: fault.kind, method, at: Date.now() });
    return fault;
  }
}
