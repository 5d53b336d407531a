"""json_mapping SET TYPE: the JSON mapping of protobuf's own library, to hold ours against.

Each line on standard input is {"json": what was sent, "bytes": hex of what the callee got, "out":
what was printed of it}. Prints what differs, a line each.
"""
import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

pool = descriptor_pool.DescriptorPool()
files = descriptor_pb2.FileDescriptorSet()
files.ParseFromString(open(sys.argv[1], "rb").read())
for file in files.file:
    pool.Add(file)
try:
    Type = message_factory.GetMessageClass(pool.FindMessageTypeByName(sys.argv[2]))
except AttributeError:  # before 4.22
    Type = message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(sys.argv[2]))


def canonical(text):
    """1 and 1.0 are one number in JSON."""
    return json.dumps(json.loads(text, parse_int=float), sort_keys=True)


def check(row):
    theirs = json_format.Parse(row["json"], Type(), descriptor_pool=pool)
    got = Type.FromString(bytes.fromhex(row["bytes"]))
    # NaN differs from itself; as bytes all is comparable.
    if got.SerializeToString(deterministic=True) != theirs.SerializeToString(deterministic=True):
        yield f"{row['json']}: was sent as {got}"
    want = json_format.MessageToDict(got, descriptor_pool=pool)
    if canonical(row["out"]) != canonical(json.dumps(want)):
        yield f"{row['json']}: was printed as {row['out']}, they print {json.dumps(want)}"


for line in sys.stdin:
    for fault in check(json.loads(line)):
        print(fault)
