"""A rollover of our own keys while a broker serves, whose node has its own copy of the keys folder."""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.citizen import Send
from support.command_line import Folder
from support.messages import is_signed_by
from support.parties import LOA3
from support.real_broker import NOTICED_WITHIN_S, let_every_worker_notice, wait_until
from support.store_pairs import SWEDE, Town, town

pytestmark = pytest.mark.services

BEATS_WITHIN_S = 15.0  # a node says every 5 s which keys it holds, and looks for new ones every 2 s


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollover:
    """A broker, and the keys folder of the node that it serves on; commands use another folder."""

    there: Town
    keys: Path

    def bring(self, name: str) -> None:
        """Copy a pair to the node, as an operator does."""
        for ending in ("key", "crt"):
            shutil.copy(self.there.broker.folder.keys / f"{name}.{ending}", self.keys)

    def certificate(self, name: str) -> bytes:
        return (self.there.broker.folder.keys / f"{name}.crt").read_bytes()


@pytest.fixture(scope="module")
def rollover(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollover]:
    root = tmp_path_factory.mktemp("rollover")
    node = root / "node-keys"

    def copy(folder: Folder) -> None:
        shutil.copytree(folder.keys, node)

    with town(root, settings={"BROKER_FILES__KEYS": str(node)}, before_serving=copy) as made:
        yield Rollover(there=made, keys=node)


def active(folder: Folder, use: str) -> str:
    """The id of the active key."""
    listed = folder.run("keys", "list", "--json").json
    (found,) = [key["key_id"] for key in listed if (key["use"], key["state"]) == (use, "active")]
    return str(found)


def metadata(send: Send, side: str) -> str:
    return send("GET", f"/saml/{side}/metadata", {}, b"").text


def published(send: Send, side: str) -> list[str]:
    """The certificates of one of our documents, in order, without the signature's."""
    body = re.sub(r"<ds:Signature .*?</ds:Signature>", "", metadata(send, side), count=1, flags=re.DOTALL)
    return ["".join(found.split()) for found in re.findall(r"X509Certificate>([^<]+)<", body)]


def bare(certificate: bytes) -> str:
    return "".join(certificate.decode().strip().splitlines()[1:-1])


def signs(send: Send, certificate: bytes) -> bool:
    """Whether every worker, as far as one can see, signs with this key."""
    documents = [metadata(send, "idp").encode() for _ in range(4)]
    return all(is_signed_by(document, certificate, element="md:EntityDescriptor") for document in documents)


def test_a_new_signing_key(rollover: Rollover) -> None:
    there, folder = rollover.there, rollover.there.broker.folder
    old, send = active(folder, "signing"), there.parties.send
    folder.done("keys", "add", "signing-2", "--use", "signing", "--kind", "p256")
    new = rollover.certificate("signing-2")
    refused = folder.run("keys", "promote", "signing-2")
    assert (refused.code, "missing on" in refused.err) == (1, True)
    wait_until(lambda: there.broker.ready()["warnings"])  # published, and not on this node
    assert there.broker.ready()["ready"]

    rollover.bring("signing-2")
    let_every_worker_notice()
    assert all(bare(new) in published(send, "idp") for _ in range(4))
    assert signs(send, rollover.certificate(old))
    wait_until(lambda: folder.run("keys", "promote", "signing-2").code == 0, seconds=BEATS_WITHIN_S)
    knowing_both = there.meet_again()
    citizen = knowing_both.parties.citizen()
    asked = knowing_both.parties.asked(citizen)  # begun before every worker has noticed
    let_every_worker_notice()
    assert signs(send, new)
    page = knowing_both.parties.deliver(citizen, knowing_both.parties.upstream.grant(asked, SWEDE, LOA3, person="x"))
    assert knowing_both.parties.receive(page).level == LOA3

    assert folder.run("keys", "retire", "signing-2").code == 1
    folder.done("keys", "retire", old)
    let_every_worker_notice()
    assert all(bare(rollover.certificate(old)) not in published(send, "idp") for _ in range(4))
    there.meet_again().assert_logs_in()
    folder.done("audit", "verify")


def test_a_new_encryption_key_leaves_the_old_one_in_use_until_it_is_retired(rollover: Rollover) -> None:
    there, folder = rollover.there.meet_again(), rollover.there.broker.folder
    old, send = active(folder, "encryption"), there.parties.send
    folder.done("keys", "add", "encryption-2", "--use", "encryption", "--kind", "rsa2048")
    rollover.bring("encryption-2")
    new = rollover.certificate("encryption-2")
    wait_until(lambda: folder.run("keys", "promote", "encryption-2").code == 0, seconds=BEATS_WITHIN_S)
    let_every_worker_notice()
    assert all(bare(new) in published(send, "sp") for _ in range(4))
    assert bare(rollover.certificate(old)) not in published(send, "sp")
    there.assert_logs_in()  # its upstream read our metadata before, and encrypts for the old key
    there.meet_again().assert_logs_in()

    waiting = [(citizen := there.parties.citizen(), there.parties.asked(citizen)) for _ in range(10)]
    folder.done("keys", "retire", old)
    pages = []
    for citizen, asked in waiting:  # a key that is withdrawn during a login: a clear page, within seconds
        pages.append(there.parties.deliver(citizen, there.parties.upstream.grant(asked, SWEDE, LOA3, person="x")))
        if pages[-1].status != 200:
            break
        time.sleep(NOTICED_WITHIN_S / len(waiting))
    assert pages[-1].status == 403
    assert pages[-1].reference
    there.meet_again().assert_logs_in()


def test_a_node_without_the_active_key_is_not_ready(rollover: Rollover) -> None:
    there, folder = rollover.there.meet_again(), rollover.there.broker.folder
    file = rollover.keys / f"{active(folder, 'signing')}.key"
    file.rename(rollover.keys / "away")
    folder.done("keys", "add", "signing-9", "--use", "signing", "--kind", "p256")  # any change makes it look again
    let_every_worker_notice()
    assert not any(there.broker.ready()["ready"] for _ in range(4))
    reply = there.parties.send("GET", "/health/ready", {}, b"")
    assert reply.status == 503
    assert "signing key" in reply.text
    page = there.parties.arrive(there.parties.citizen(), there.parties.ask(relay_state="x"))
    assert page.status == 503
    assert page.reference
    (rollover.keys / "away").rename(file)
    folder.done("keys", "retire", "signing-9")
    let_every_worker_notice()
    assert all(there.broker.ready()["ready"] for _ in range(4))
    there.meet_again().assert_logs_in()
