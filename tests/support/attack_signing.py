"""Signatures of any form: by xmlsec1 where it agrees, by hand where it does not."""

import base64
import hashlib
from collections.abc import Callable

from lxml import etree
from support import xmlsec1
from support.attack_peers import NS
from support.key_pairs import KeyPair
from support.messages import RequestDraft, ResponseDraft
from support.signatures import SignatureDraft

_END = "</saml2:Issuer>"


def signed_by_template(draft: ResponseDraft, template: SignatureDraft, keys: KeyPair) -> str:
    """`draft` with `template` after its Issuer, filled in by xmlsec1. "#_response" in it stands for the Response."""
    written = template.xml().replace("#_response", f"#{draft.response_id}")
    return xmlsec1.sign(draft.xml().replace(_END, _END + written, 1), keys)


def signed_by_hand(
    draft: ResponseDraft | RequestDraft,
    algorithm: str,
    sign: Callable[[bytes], bytes],
    *,
    method: str | None = None,
) -> str:
    """`draft` with an enveloped signature of the one right shape, whose SignatureValue is what `sign` says."""
    identifier = draft.response_id if isinstance(draft, ResponseDraft) else draft.request_id
    digest = base64.b64encode(hashlib.sha256(_canonical(draft.xml())).digest()).decode()
    template = SignatureDraft(
        method=method or f'<ds:SignatureMethod Algorithm="{algorithm}"/>', uri=f'URI="#{identifier}"'
    )
    signature = template.xml().replace("<ds:DigestValue/>", f"<ds:DigestValue>{digest}</ds:DigestValue>")
    root = etree.fromstring(draft.xml().replace(_END, _END + signature, 1).encode())
    signed_info = root.find("ds:Signature/ds:SignedInfo", NS)
    value = root.find("ds:Signature/ds:SignatureValue", NS)
    assert signed_info is not None
    assert value is not None
    value.text = base64.b64encode(sign(etree.tostring(signed_info, method="c14n", exclusive=True))).decode()
    return str(etree.tostring(root, encoding="unicode"))


def _canonical(xml: str) -> bytes:
    octets: bytes = etree.tostring(etree.fromstring(xml.encode()), method="c14n", exclusive=True, with_comments=False)
    return octets
