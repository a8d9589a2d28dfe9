"""One serving process: the flow, the pages, and what it says about its health."""

import atexit
import ipaddress
import time
from datetime import datetime, timedelta

import structlog
from flask import Flask

from broker.config.settings import Settings
from broker.core.errors import BrokerError, StoreUnavailable
from broker.core.login import EntityId
from broker.dialects import DIALECTS
from broker.flow.login import Lifetimes, LoginFlow
from broker.flow.ports import Directory
from broker.messages.inbound import Binding
from broker.saml.eservice_side import SamlEServiceSide
from broker.saml.upstream_side import SamlUpstreamSide
from broker.stores.codec import LoginCodec
from broker.stores.logins import SealedLoginStore
from broker.stores.opening import open_redis_client
from broker.stores.seen import SeenIdsIn
from broker.stores.sql_keys import SqlHeartbeats, SqlKeyStates
from broker.stores.values import SealedValues
from broker.web.app import WebParts, create_app
from broker.web.ports import Readiness
from broker.wiring.current_keys import CurrentKeys
from broker.wiring.directories import build_directory
from broker.wiring.heartbeat import Heartbeat
from broker.wiring.opened import Opened, open_all
from broker.wiring.own_metadata import OwnMetadataDocuments, load_logo
from broker.wiring.policies import build_catalogue, build_policy

_RESPONSE_MAX_AGE = timedelta(minutes=3)  # between an IdP's IssueInstant and us: transport, not reading time
_TOMBSTONE = timedelta(minutes=30)
_PATIENCE_S = 10  # less than the server gives a worker to begin

_log = structlog.get_logger("broker.serve")


def build_keys(opened: Opened) -> CurrentKeys:
    """Our key ring, followed."""
    return CurrentKeys(SqlKeyStates(opened.durable), opened.settings.keys_folder)


def build_app(opened: Opened) -> Flask:
    """The web application. Raises BrokerError when it cannot serve."""
    return _build(opened, build_keys(opened))


def build_worker(opened: Opened) -> Flask:
    """The web application of one serving process, which says that it lives until it ends. Raises BrokerError."""
    keys = build_keys(opened)
    app = _build(opened, keys)
    heartbeat = Heartbeat(
        beats=SqlHeartbeats(opened.durable), node=opened.node, fingerprints=keys.held, clock=opened.clock
    )
    heartbeat.start()
    atexit.register(heartbeat.stop)
    return app


def build_worker_when_possible(settings: Settings) -> Flask:
    """The same, waiting for a store that does not answer just now.

    A worker that replaces one that died would else take the whole server with it. After a while it gives up by ending,
    and the server tries with the next.
    """
    for _ in range(_PATIENCE_S):
        try:
            return build_worker(open_all(settings))
        except StoreUnavailable as failure:
            _log.error("a worker waits for a store", code=failure.code, detail=failure.detail)
            time.sleep(1)
    raise SystemExit(1)


def _build(opened: Opened, keys: CurrentKeys) -> Flask:
    return create_app(_web_parts(opened, keys, build_directory(opened)))


def build_flow(opened: Opened, keys: CurrentKeys, directory: Directory) -> LoginFlow:
    """The login flow over real sides and stores."""
    part = opened.settings.broker
    catalogue = build_catalogue(opened.settings)
    seen = SeenIdsIn(opened.transient)
    return LoginFlow(
        e_services=SamlEServiceSide(
            entity_id=part.idp,
            keys=keys,
            directory=directory,
            seen=seen,
            ids=opened.ids,
            catalogue=catalogue,
            clock_skew=part.clock_skew,
            request_max_age=timedelta(seconds=part.request_max_age_s),
        ),
        upstreams=SamlUpstreamSide(
            entity_id=part.sp,
            acs_url=f"{part.base_url}/saml/sp/acs",
            keys=keys,
            seen=seen,
            ids=opened.ids,
            catalogue=catalogue,
            dialects={name: build(catalogue) for name, build in DIALECTS.items()},
            clock_skew=part.clock_skew,
            response_max_age=_RESPONSE_MAX_AGE,
        ),
        directory=directory,
        logins=SealedLoginStore(opened.transient, LoginCodec(opened.sealing)),
        audit=opened.audit,
        policy=build_policy(opened),
        ids=opened.ids,
        lifetimes=Lifetimes(
            login=timedelta(seconds=part.login_lifetime_s),
            answer=timedelta(seconds=part.answer_lifetime_s),
            page=timedelta(seconds=part.page_lifetime_s),
            tombstone=_TOMBSTONE,
        ),
    )


def _web_parts(opened: Opened, keys: CurrentKeys, directory: Directory) -> WebParts:
    settings = opened.settings
    documents = OwnMetadataDocuments(opened, keys)

    def readiness() -> Readiness:
        return _readiness(opened, keys, directory)

    def sign_in_addresses(upstream: EntityId, now: datetime) -> tuple[str, ...]:
        peer = directory.find_upstream(upstream, now)
        if peer is None or peer.record.idp is None:
            return ()
        bindings = {binding.value for binding in Binding}
        return tuple(endpoint.location for endpoint in peer.record.idp.sso if endpoint.binding in bindings)

    return WebParts(
        flow=build_flow(opened, keys, directory),
        base_url=settings.broker.base_url,
        environment=settings.broker.environment,
        service_names=settings.service.name,
        operator_names=settings.organisation.display_name,
        logo=load_logo(settings),
        ids=opened.ids,
        clock=opened.clock,
        sessions=SealedValues(opened.transient, opened.sealing, "session"),
        session_redis=open_redis_client(settings.transient_url, password=opened.transient_password),
        session_lifetime=timedelta(seconds=settings.broker.login_lifetime_s) + timedelta(hours=1),
        ended_lifetime=_TOMBSTONE,
        trusted_proxies=tuple(map(ipaddress.ip_network, settings.broker.trusted_proxies)),
        ops_networks=tuple(map(ipaddress.ip_network, settings.broker.ops_networks)),
        idp_metadata=documents.idp,
        sp_metadata=documents.sp,
        readiness=readiness,
        sign_in_addresses=sign_in_addresses,
    )


def _readiness(opened: Opened, keys: CurrentKeys, directory: Directory) -> Readiness:
    problems: list[str] = []
    warnings: list[str] = []
    now = opened.clock.now()
    try:
        ring = keys()
        if ring.active_signing is None:
            problems.append("no active signing key on this node")
        if ring.active_encryption is None:
            problems.append("no active encryption key on this node")
        warnings.extend(f"key {key_id} is in use but its file is missing here" for key_id in keys.missing)
    except BrokerError as failure:
        problems.append(f"keys: {failure.code}: {failure.detail}")
    try:
        opened.transient.get("readiness", now)
    except BrokerError as failure:
        problems.append(f"transient store: {failure.detail}")
    try:
        if not directory.upstreams(now):
            warnings.append("no active upstream: nobody can log in")
    except BrokerError as failure:
        problems.append(f"metadata: {failure.code}: {failure.detail}")
    return Readiness(problems=tuple(problems), warnings=tuple(warnings))
