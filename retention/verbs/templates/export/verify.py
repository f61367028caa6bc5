"""Checks an exported ledger, or one proof out of it. Needs Python 3.9 and the package `cryptography`.

    python3 verify.py key.pub                      the folder that this file lies in
    python3 verify.py key.pub --proof proof.json   that one record was in the ledger

Use a key.pub that you were given before, or by somebody else: a key that came with the folder shows
only that the folder was not changed after it was made.

What is checked is written down in public documents: the lines are canonical JSON (RFC 8785, without
floats), each names the SHA-256 of the line before; all lines are the leaves of a Merkle tree (RFC 6962,
2.1: a leaf is SHA-256 of 0 and a line, a node that of 1 and the two below it); its root is signed
(Ed25519) in "checkpoints", the signed notes of https://c2sp.org/tlog-checkpoint.
"""

import argparse
import base64
import collections
import hashlib
import json
import pathlib
import re
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.exit("A package is missing; type: python -m pip install cryptography (with this same python)")

NOTE = re.compile(r"((.+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n(?:.+\n)*)\n((?:— \S+ \S+\n)+)")
Note = collections.namedtuple("Note", "size root origin text signatures")
TIME = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z", re.ASCII)
MEMBERS = {"at": str, "data": dict, "prev": str, "seq": int, "type": str}
encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class Wrong(Exception):
    """What was given is not what was signed."""


def need(true, message):
    if not true:
        raise Wrong(message)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def read_key(text):
    """A key file's one line: the ledger's name, the four bytes that stand for the key, the key."""
    found = re.fullmatch(r"(\S+?)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", text)
    need(found, "this is no public key of a ledger, which is one line: NAME+12345678+LETTERS")
    name, raw = found[1], base64.b64decode(found[3])
    key_hash = sha256(name.encode(), b"\n", raw)[:4]
    need(raw[0] == 1 and key_hash.hex() == found[2], "this public key is mistyped, or not one of a ledger")
    return name, key_hash, Ed25519PublicKey.from_public_bytes(raw[1:])


def read_note(note, file):
    """A checkpoint: how many events there are, their root, and whose ledger's; the text that says so is signed."""
    found = NOTE.fullmatch(note)
    need(found and "\r" not in note, f"{file}: it is no signed checkpoint, or was changed: copy it anew")
    text, origin, size, root, tail = found.groups()
    return Note(int(size), base64.b64decode(root), origin, text, re.findall(r"— (\S+) (\S+)\n", tail))


def need_signature(note, key_text):
    """The note is of the ledger that the key is for, and signed by the key."""
    (name, key_hash, key), what = read_key(key_text), f"checkpoint of {note.size} events: "
    need(note.origin == name, what + f"it is of another ledger, {note.origin}")
    own = [base64.b64decode(data, validate=True) for who, data in note.signatures if who == name]
    own = [raw[4:] for raw in own if raw[:4] == key_hash]
    need(own, what + f"it is signed by another key than {key_text}")
    try:
        for signature in own:
            key.verify(signature, note.text.encode())
    except InvalidSignature:
        raise Wrong(what + "its signature is wrong") from None


def add(tree, root, leaves=1):
    """Adds a leaf, or a complete subtree. A tree is kept as its complete subtrees, (leaves, root) of each."""
    while tree and tree[-1][0] == leaves:
        root, leaves = sha256(b"\1", tree.pop()[1], root), 2 * leaves
    tree.append((leaves, root))


def root_of(tree):
    root = tree[-1][1] if tree else sha256()
    for _, left in reversed(tree[:-1]):
        root = sha256(b"\1", left, root)
    return root


def root_by(path, leaf, index, size):
    """The root that an inclusion proof (2.1.1) leads to; its last step is the other half of the whole tree."""
    need(0 <= index < size and bool(path) == (size > 1), "the proof is for no place, too long or too short")
    if size == 1:
        return leaf
    half, step = 1 << ((size - 1).bit_length() - 1), bytes.fromhex(path[-1])
    if index < half:
        return sha256(b"\1", root_by(path[:-1], leaf, index, half), step)
    return sha256(b"\1", step, root_by(path[:-1], leaf, index - half, size - half))


def need_plain(value, order, level=1):
    """JSON that all programs read alike: whole numbers only, names in the order of RFC 8785, at most 16 levels."""
    need(level <= 16, "it is nested deeper than 16")
    if isinstance(value, dict):
        need(list(value) == sorted(value, key=order), "the order of names was changed")
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, (dict, list)):
            need_plain(each, order, level + 1)
        elif not isinstance(each, str) and each is not None:
            need(isinstance(each, int) and abs(each) < 2**53, "it holds a float, or a number beyond 2^53 - 1")


def read_line(line):
    """The event of a line, which must be spelt in the one way that there is."""
    try:
        event = json.loads(line.decode())
        need(encode(event).encode() == line, "a space, a line end, or an equal spelling, was changed")
    except (ValueError, RecursionError):
        raise Wrong("it is damaged, or no line of a ledger at all") from None
    types = {name: type(value) for name, value in event.items()} if isinstance(event, dict) else {}
    need(types == MEMBERS and TIME.fullmatch(event["at"]), "it has other members, or of other types")
    need_plain(event, order=None if line.isascii() else lambda name: name.encode("utf-16-be"))
    return event


def events_of(folder, first):
    """Each line from event `first` on, and what it says: content and chain."""
    number, prev, last_at = first, "0" * 64, ""
    try:
        for path in sorted((folder / "segments").glob("*.jsonl")):
            with path.open("rb") as stream:
                while line := stream.readline(2**20 + 1):
                    need(line.endswith(b"\n"), "it is cut off, or longer than a megabyte")
                    event = read_line(line := line[:-1])
                    need(event["seq"] == number, f"in its place stands event {event['seq']}")
                    follows = event["prev"] == prev or number == first > 0
                    need(follows, "it does not follow the event before it: one of the two was changed")
                    need(event["at"] >= last_at, "it is earlier than the event before it")
                    yield line, event
                    number, prev, last_at = number + 1, hashlib.sha256(line).hexdigest(), event["at"]
    except Wrong as error:
        raise Wrong(f"event {number}: {error}") from None


def check_folder(folder, key):
    """Content, chain, tree, signatures, and that all checkpoints are of one history."""
    files = [folder / "checkpoint", *(folder / "checkpoints").glob("*.note")]
    notes = sorted(read_note(path.read_bytes().decode(errors="replace"), path.name) for path in files)
    newest, sizes, path = notes[-1], {note.size for note in notes}, folder / "range.json"
    part = json.loads(path.read_bytes(), parse_float=str) if path.exists() else {"before": [], "after": []}
    tree = [(leaves, bytes.fromhex(root)) for leaves, root in part["before"]]
    first = size = sum(leaves for leaves, _ in tree)
    last_at, roots = "no time", {size: root_of(tree)}
    turns = [] if first else [(-1, key)]  # (n, key): whose turn it is to sign more than n events
    for line, event in events_of(folder, first):
        add(tree, sha256(b"\0", line))
        size, last_at, data = size + 1, event["at"], event["data"]
        if size in sizes:
            roots[size] = root_of(tree)
        what = (event["type"], data.get("kind"))
        if what == ("key.created", "signing") and size == 1:
            turns = [(-1, data.get("key", key))]
        elif what == ("key.rotated", "signing"):
            turns = turns or [(first, data["before"])]
            need(turns[-1][1] == data["before"], f"event {size - 1}: it rotates a key that is not in use")
            need(size in sizes, f"event {size - 1}: the old key did not sign the new one")
            turns.append((size, data["key"]))
    for leaves, root in part["after"]:
        add(tree, bytes.fromhex(root), leaves)
    total = sum(leaves for leaves, _ in tree)
    need(total >= newest.size, f"event {total}: it is missing; a checkpoint signs {newest.size} events")
    need(total == newest.size, f"event {newest.size}: no checkpoint signs it: it was added later")
    powers = [2**n for n in reversed(range(64)) if total & 2**n]
    need([leaves for leaves, _ in tree] == powers, "range.json: a part of the tree does not fit")
    roots[total], signers = root_of(tree), set()
    for note in notes:
        what = f"checkpoint of {note.size} events: "
        need(note.size in roots, what + "this part has not all of them: compare it with the whole ledger")
        need(note.root == roots[note.size], what + "they are not those that it signs")
        for _, signer in [turn for turn in turns if turn[0] < note.size <= size][-1:]:
            need_signature(note, signer)
            signers.add(signer)
    whole = size - first == total
    if not whole or turns[-1][1] == key:
        need_signature(newest, key)
    else:
        need(key in signers, "the ledger was signed by other keys, and never by this one")
    what = "the whole ledger" if whole else f"events {first} to {size - 1}" if size > first else "no event"
    said = [f"Verified: {what} of {newest.origin}: {size - first} events, {len(sizes)} checkpoints."]
    said.append(f"Last event at {last_at}; root {base64.b64encode(newest.root).decode()}.")
    if not whole:
        said.append(f"What was before event {first}, and from event {size} on, this part does not show.")
    return said


def check_proof(path, key):
    """One record: that it was in a batch, or refused, and that the events which say so are in the ledger."""
    proof, events, approvals = json.loads(path.read_bytes()), {}, []
    need(proof["format"] in ("retention.proof/1", "retention.refusal/1"), "this is no proof of one record")
    note = read_note(proof["checkpoint"], "the checkpoint of the proof")
    need_signature(note, key)
    for name, shown in proof["events"].items():
        line = shown["line"].encode()
        event = read_line(line)
        found = root_by(shown["path"], sha256(b"\0", line), event["seq"], note.size)
        need(found == note.root, f"{name}: it is not in the ledger")
        if event["type"] == "approval.granted":
            approvals.append((event["at"], event["data"]))
        else:
            need(event["type"] not in events, f"{event['type']}: it is there twice")
            events[event["type"]] = event
    refused, released, promise = map(events.get, ("action.refused", "record.released", "policy.changed"))
    told = refused or events.get("batch.committed") or events["batch.reconciled"]
    went, run = told["data"], (released or events["run.started"])["data"]
    need(run["run"] == went["run"], "the run is another one")
    rule, *dataset = went["job"].split("/")
    named = {each["plan"] for each in run.get("approvals", ()) if each["rule"] == rule}
    shown = {given["plan"] for _, given in approvals}
    need(shown == named or (refused and not shown), "the run names other approvals, or more")
    place, record = proof["group" if refused else "batch"], proof["record"]
    need(dataset == [record["connector"], record["dataset"]], "the batch is of other records")
    group = went["refused"][place["place"]] if refused else went
    message = encode(["retention/record/1", *dataset, record["key"]]).encode()
    leaf = sha256(b"\0", bytes.fromhex(proof["blind"]), message)
    found = root_by(place["path"], leaf, place["index"], group["count"])
    need(found.hex() == group["root"], "the record is not in the batch")
    what, when = ",".join(record["key"]), f"{told['at']} (event {told['seq']})"
    what = f"the record {'.'.join(dataset)} {what}"
    if refused:
        said = [f"Proved: for {what} the rule {rule} was refused at {when}: {', '.join(group['actions'])}."]
        said.append(f"Done instead: {group['instead'] or 'nothing'}. Because: {encode(group['because'])}.")
    else:
        intent, same = events["batch.intent"]["data"], ("run", "job", "batch", "root", "count")
        done = told["type"] == "batch.committed" or went["outcome"] == "committed"
        need(done and all(intent[each] == went[each] for each in same), "the batch was not carried out")
        said = [f"Proved: {what} was in batch {went['batch']} of run {went['run']},"]
        action = "" if released else f" under the rule {rule}: {intent.get('action', 'delete')}"
        said.append(f"carried out by {when}{action}.")
    if released:
        said.append(f"It went back from its vault, released by {run['by']} ({run['reason']}).")
    else:
        said.append(f"The run was started by {run['by']}, under policy {run['policy']}.")
    said += [f"Approved by {given['by']} at {at} (plan {given['plan']})." for at, given in approvals]
    for change in promise["data"]["difference"] if promise else ():
        if change["path"] in (f"rules.{rule}.promise", f'rules."{rule}".promise'):
            said.append(f"The promise, as of event {promise['seq']}: {change['new']}")
    said.append(f"All of it is in the ledger {note.origin} as a checkpoint of {note.size} events signs it.")
    return said


def main():
    parser = argparse.ArgumentParser(description="Checks an exported ledger, or one proof out of it.")
    parser.add_argument("key", type=pathlib.Path, help="the public key's file: your own copy of it")
    parser.add_argument("--proof", type=pathlib.Path, metavar="FILE", help="check this proof, not the folder")
    given, here = parser.parse_args(), pathlib.Path(__file__).resolve().parent
    sys.stdout.reconfigure(errors="backslashreplace")  # a name may have letters that this terminal has not
    try:
        key = given.key.read_bytes().decode("utf-8-sig", errors="replace").strip()
        read_key(key)
        said = check_proof(given.proof, key) if given.proof else check_folder(here, key)
    except Wrong as error:
        said = [f"NOT VERIFIED: {error}"]
    except OSError as error:
        said = [f"NOT VERIFIED: {error.filename} can't be read: {error.strerror}"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        said = [f"NOT VERIFIED: a file is damaged, or another one: ask for it anew ({error!r})"]
    for line in said:
        print("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line))
    sys.exit(said[0].startswith("NOT"))


if __name__ == "__main__":
    main()
