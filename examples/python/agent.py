#!/usr/bin/env python3
"""A complete agent for a Roost hub: joins, pushes samples of this host, answers calls.

The protocol is roost.v1.Gateway/Connect, one gRPC stream; see docs/protocol.md. What to
change for an agent of your own is in METRICS, sample() and METHODS.
"""
import argparse, collections, json, os, queue, random, signal, socket, sys, threading, time

import grpc
import greeter_pb2 as greeter
from roost.v1 import common_pb2 as common, gateway_pb2 as gateway, host_pb2 as host

WINDOW, PART_MAX, PART_COST = 65536, 32768, 5  # of a call: docs/protocol.md, "Calls"
KEPT_MAX = 10000  # samples that are kept until the hub has them

# Name, unit, decimal places.
METRICS = [("load1", "1", 2), ("load5", "1", 2), ("load15", "1", 2), ("mem.used", "By", 0), ("mem.total", "By", 0)]


def sample():
    with open("/proc/meminfo") as file:
        memory = {line.split(":")[0]: 1024 * int(line.split()[1]) for line in file}
    return [*os.getloadavg(), memory["MemTotal"] - memory["MemAvailable"], memory["MemTotal"]]


# A method takes the requests as they come, and yields its replies.
def greet(requests, call):
    for request in requests:
        if not request.name:
            raise Status(grpc.StatusCode.INVALID_ARGUMENT, "who is to be greeted?")
        yield greeter.GreetReply(text=f"Hello, {request.name}!")


def repeat(requests, call):
    request = next(requests)
    for i in range(request.times):
        if i > 0 and call.cancelled.wait((request.interval_ms or 1000) / 1000):
            return
        yield greeter.GreetReply(text=f"Hello, {request.name}! ({i + 1})")


def greet_all(requests, call):
    yield greeter.GreetReply(text="Hello, " + " and ".join(request.name for request in requests) + "!")


SERVICES = ["example.Greeter"]
METHODS = {
    "/example.Greeter/Greet": (greeter.GreetRequest, greet),
    "/example.Greeter/Repeat": (greeter.RepeatRequest, repeat),
    "/example.Greeter/GreetAll": (greeter.GreetRequest, greet_all),
    "/example.Greeter/Chat": (greeter.GreetRequest, greet),
}


class Status(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code.value[0]


class Call:
    """A call that the hub leads here, answered on a thread of its own."""

    def __init__(self, start, send):
        self.id, self.method, self.metadata, self.user = start.id, start.method, start.metadata, start.user
        self.send, self.inbox, self.part, self.credit = send, queue.Queue(), b"", WINDOW
        self.room, self.cancelled = threading.Condition(), threading.Event()

    def take(self, part):
        self.part += part.data
        if part.left:
            self.give_back(len(part.data))
        else:
            self.inbox.put((self.part, len(part.data)))
            self.part = b""

    def give_back(self, length):
        self.send(credit=gateway.CallCredit(id=self.id, bytes=length + PART_COST))

    def take_credit(self, count):
        with self.room:
            self.credit += count
            self.room.notify()

    def cancel(self):
        self.cancelled.set()
        self.inbox.put(None)
        with self.room:
            self.room.notify()

    def requests(self, kind):
        while (item := self.inbox.get()) is not None:
            self.give_back(item[1])  # only now: a hub that is faster than we are waits
            yield kind.FromString(item[0])

    def reply(self, data):
        while True:
            part, data = data[:PART_MAX], data[PART_MAX:]
            with self.room:
                self.room.wait_for(lambda: self.cancelled.is_set() or self.credit >= len(part) + PART_COST)
                if self.cancelled.is_set():
                    raise Status(grpc.StatusCode.CANCELLED, "nobody waits any more")
                self.credit -= len(part) + PART_COST
            self.send(reply_message=gateway.MessagePart(id=self.id, data=part, left=len(data)))
            if not data:
                return

    def run(self):
        end = gateway.ConnectRequest.ReplyEnd(id=self.id)
        try:
            if self.method not in METHODS:
                raise Status(grpc.StatusCode.UNIMPLEMENTED, f"no method {self.method}")
            kind, handler = METHODS[self.method]
            for reply in handler(self.requests(kind), self):
                self.reply(reply.SerializeToString())
        except Status as error:
            end.status, end.message = error.code, str(error)
        except Exception as error:  # a fault of the method is no fault of the agent
            end.status, end.message = grpc.StatusCode.INTERNAL.value[0], repr(error)
        if self.cancelled.is_set():
            print(f"call {self.method} was cancelled", flush=True)
        else:
            self.send(reply_end=end)


class Agent:
    def __init__(self, args):
        self.args, self.lock, self.leaving = args, threading.Lock(), threading.Event()
        self.heard = False  # the hub has our goodbye
        self.epoch, self.seq = random.getrandbits(64) | 1, 0
        self.kept = collections.deque(maxlen=KEPT_MAX)  # of (seq, row): the oldest go first
        self.out, self.live, self.calls = None, False, {}
        self.descriptors = open(args.descriptors, "rb").read() if args.descriptors else b""
        self.credential = args.token
        if os.path.exists(args.state):
            self.credential = json.load(open(args.state))["credential"]

    def send(self, **kind):
        self.out.put(gateway.ConnectRequest(**kind))

    def send_rows(self, rows):
        if rows:
            self.send(rows=gateway.ConnectRequest.Rows(seq=rows[0][0], rows=[row for _, row in rows]))

    def send_kept(self, durable):
        """The catalogue, and everything behind what the hub has."""
        with self.lock:
            self.forget(durable)
            metrics = [common.MetricInfo(name=name, unit=unit, scale=scale) for name, unit, scale in METRICS]
            self.send(catalogue=gateway.ConnectRequest.Catalogue(metrics=metrics, epoch=self.epoch,
                      interval_ms=int(self.args.interval * 1000), now_ms=int(time.time() * 1000)))
            kept = list(self.kept)
            for i in range(0, len(kept), 100):
                self.send_rows(kept[i:i + 100])
            self.live = True

    def forget(self, durable):
        while self.kept and durable.epoch == self.epoch and self.kept[0][0] <= durable.seq:
            self.kept.popleft()

    def take_samples(self):
        while not self.leaving.wait(self.args.interval):
            row = gateway.ConnectRequest.Row(time_ms=int(time.time() * 1000), values=sample())
            with self.lock:
                self.seq += 1
                self.kept.append((self.seq, row))
                if self.live:
                    self.send_rows([self.kept[-1]])

    def save(self, credential):
        """Before anything else: a token to join with works once."""
        file = os.open(self.args.state + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w") as state:
            json.dump({"credential": credential}, state)
        os.rename(self.args.state + ".new", self.args.state)
        self.credential = credential

    def answer(self, call):
        call.run()
        self.calls.pop(call.id, None)

    def take(self, message):
        kind = message.WhichOneof("kind")
        if kind == "welcome":
            if message.welcome.credential:
                self.save(message.welcome.credential)
            print(f"connected as {message.welcome.node}", flush=True)
            self.send_kept(message.welcome.durable)
        elif kind == "resume":
            self.send_kept(message.resume)
        elif kind == "durable":
            with self.lock:
                self.forget(message.durable)
        elif kind == "ping":
            self.send(pong=message.ping)
        elif kind == "pong":
            self.heard = True
        elif kind == "call_start":
            call = self.calls[message.call_start.id] = Call(message.call_start, self.send)
            threading.Thread(target=self.answer, args=(call,), daemon=True).start()
        elif kind == "goodbye":
            threading.Thread(target=self.finish, args=(self.out,), daemon=True).start()
        else:
            self.take_of_call(kind, message)

    def take_of_call(self, kind, message):
        ids = {"call_message": message.call_message.id, "credit": message.credit.id,
               "call_half_close": message.call_half_close, "call_cancel": message.call_cancel}
        call = self.calls.get(ids.get(kind))
        if not call:
            return  # it was answered meanwhile
        if kind == "call_message":
            call.take(message.call_message)
        elif kind == "credit":
            call.take_credit(message.credit.bytes)
        elif kind == "call_half_close":
            call.inbox.put(None)
        else:
            call.cancel()

    def finish(self, out):
        """Ends our side when all is done that is under way, and nothing more can come."""
        until = time.monotonic() + 10
        while time.monotonic() < until and (self.calls or (self.leaving.is_set() and (self.kept or not self.heard))):
            time.sleep(0.05)
        out.put(None)

    def leave(self, *_):
        self.leaving.set()
        if not self.live:
            sys.exit(0)
        self.send(goodbye=gateway.Goodbye())
        self.send(ping=1)  # calls may be on their way to us: none is behind the pong
        threading.Thread(target=self.finish, args=(self.out,), daemon=True).start()

    def connect(self):
        self.out = queue.Queue()
        metadata = [("authorization", f"Bearer {self.credential}"), ("name", self.args.name),
                    ("version", "1.0"), ("status", "ok")]
        options = [("grpc.keepalive_time_ms", 20000), ("grpc.keepalive_timeout_ms", 10000)]
        roots = open(self.args.ca, "rb").read() if self.args.ca else None
        with grpc.secure_channel(self.args.hub, grpc.ssl_channel_credentials(roots), options) as channel:
            self.send(hello=gateway.ConnectRequest.Hello(services=SERVICES, descriptors=self.descriptors))
            stream = channel.stream_stream("/roost.v1.Gateway/Connect", gateway.ConnectRequest.SerializeToString,
                                           gateway.ConnectResponse.FromString)
            try:
                for message in stream(iter(self.out.get, None), metadata=metadata):
                    self.take(message)
            finally:
                self.live = False
                self.out.put(None)
                for call in list(self.calls.values()):
                    call.cancel()

    def run(self):
        signal.signal(signal.SIGTERM, self.leave)
        signal.signal(signal.SIGINT, self.leave)
        threading.Thread(target=self.take_samples, daemon=True).start()
        pause = 0.5
        while not self.leaving.is_set():
            began = time.monotonic()
            try:
                self.connect()
            except grpc.RpcError as error:
                print(f"{error.code().name}: {error.details()}", file=sys.stderr, flush=True)
                if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                    sys.exit(1)  # no time will mend it
            pause = 0.5 if time.monotonic() - began > 10 else min(2 * pause, 60)
            self.leaving.wait(pause * random.uniform(0.5, 1))


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("hub", help="HOST:PORT")
parser.add_argument("--ca", help="certificate of the hub's authority (tls/ca.pem); else the system's")
parser.add_argument("--token", default="", help="to join with, the first time: roost token new")
parser.add_argument("--state", default="agent.json", help="where the credential is kept")
parser.add_argument("--name", default=socket.gethostname().lower(), help="that it would like")
parser.add_argument("--interval", type=float, default=5, help="seconds between samples")
parser.add_argument("--descriptors", help="a FileDescriptorSet of what it serves, for reflection")
Agent(parser.parse_args()).run()
