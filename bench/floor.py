"""The floor: the cryptography that no broker can leave out of a login, alone, in this process."""

import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from lxml import etree

from bench.peers import assertion_xml, personal_number, response_xml
from bench.wire import (
    ENCRYPTED_DATA,
    NS,
    add_signature,
    decrypt,
    encrypt,
    fill_signature,
    make_key_pair,
    sign_octets,
    verify,
    verify_octets,
)


def measure_floor(rounds: int) -> dict[str, float]:
    """CPU seconds of each operation, the mean of `rounds`. Documents are copied outside the clock."""
    keys = make_key_pair("floor")
    query = b"SAMLRequest=" + b"x" * 800
    signature = sign_octets(query, keys)
    assertion = etree.fromstring(assertion_xml("i", "a", "https://s/acs", "_r", personal_number(1)).encode())
    response = etree.fromstring(response_xml("i", "https://s/acs", "_r").encode())

    def signable(root: etree._Element) -> tuple[etree._Element, etree._Element]:
        own = deepcopy(root)
        return own, add_signature(own, keys)

    signed_assertion, place = signable(assertion)
    fill_signature(signed_assertion, place, keys)

    octets = etree.tostring(signed_assertion)
    sealed = deepcopy(response)
    sealed[-1].append(encrypt(octets, keys.certificate))
    signed_response, place = signable(sealed)
    fill_signature(signed_response, place, keys)

    def opened() -> etree._Element:
        data = deepcopy(sealed).find(ENCRYPTED_DATA, NS)
        assert data is not None
        return data

    steps: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
        "verify Redirect request": (lambda: None, lambda _: verify_octets(signature, query, keys.certificate)),
        "sign Redirect request": (lambda: None, lambda _: sign_octets(query, keys)),
        "verify Response": (lambda: deepcopy(signed_response), lambda root: verify(root, keys.certificate)),
        "decrypt assertion": (opened, lambda data: decrypt(data, keys)),
        "verify Assertion": (lambda: deepcopy(signed_assertion), lambda root: verify(root, keys.certificate)),
        "sign Assertion": (lambda: signable(assertion), lambda pair: fill_signature(pair[0], pair[1], keys)),
        "encrypt assertion": (lambda: None, lambda _: encrypt(octets, keys.certificate)),
        "sign Response": (lambda: signable(sealed), lambda pair: fill_signature(pair[0], pair[1], keys)),
    }
    return {name: _mean(prepare, work, rounds) for name, (prepare, work) in steps.items()}


def _mean(prepare: Callable[[], Any], work: Callable[[Any], object], rounds: int) -> float:
    spent = 0.0
    for _ in range(rounds):
        prepared = prepare()
        began = time.thread_time()
        work(prepared)
        spent += time.thread_time() - began
    return spent / rounds
