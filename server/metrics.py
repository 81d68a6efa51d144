"""`GET /metrics` for Prometheus: counters and gauges of the whole node, with no personal data in any label."""

import asyncio
import hmac
import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from contract.errors import AccessError, ErrorCode
from server.control import Control
from server.control_messages import NodeStatus
from server.settings import IpNetwork

_DROPPED = "dropped_"
_PEERS_BY_WAY = "peers_"
_TRAFFIC = {
    "packets_received": "Media packets that came from people",
    "octets_received": "Their payload",
    "packets_recovered": "Of them, those that came as retransmissions",
    "packets_sent": "Media packets that were sent on",
    "octets_sent": "Their payload",
    "packets_retransmitted": "Media packets that were sent once more",
}
_DELAYS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of other parts, as they are at any time."""

    commands: Mapping[tuple[str, str], int]
    """By command and outcome."""
    dropped_sockets: Mapping[str, int]
    """By code."""
    webhooks: Mapping[str, int]
    """By outcome."""
    open_sockets: Callable[[], int]


class WorkerCounters(Protocol):
    """What the metrics need of `MediaLink`."""

    async def counters(self) -> dict[str, dict[str, int]]: ...


class Metrics:
    """Reads what the parts of the server count by themselves."""

    def __init__(self, control: Control, media: WorkerCounters, counts: Counts) -> None:
        self._control = control
        self._media = media
        self._counts = counts
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.loop_delay = Histogram(
            "konsilium_server_loop_delay_seconds",
            "How late the server's event loop came to a timer",
            buckets=_DELAYS,
            registry=self._registry,
        )

    async def text(self) -> bytes:
        """Prometheus' text format."""
        counters = await self._media.counters()
        now = CollectorRegistry()
        now.register(_Families([*self._node(self._control.status()), *_workers(counters)]))
        # Figures of the process are read from /proc.
        return generate_latest(now) + await asyncio.to_thread(generate_latest, self._registry)

    def _node(self, status: NodeStatus) -> Iterator[Metric]:
        yield GaugeMetricFamily("konsilium_rooms", "Live rooms: somebody sits there", status.rooms)
        yield GaugeMetricFamily("konsilium_people", "People in live rooms", status.people)
        yield GaugeMetricFamily("konsilium_draining", "1 while the node takes no new rooms", int(status.draining))
        yield GaugeMetricFamily("konsilium_sockets", "Signalling connections", self._counts.open_sockets())
        words = "Commands of browsers, by outcome: ok, a verdict or an error"
        commands = CounterMetricFamily("konsilium_commands", words, labels=["command", "outcome"])
        for (command, outcome), number in sorted(self._counts.commands.items()):
            commands.add_metric([command, outcome], number)
        yield commands
        yield _by_label(
            "konsilium_joins",
            "Attempts to enter a room, by outcome: ok, the verdict that refused, or an error",
            "outcome",
            {outcome: number for (name, outcome), number in self._counts.commands.items() if name == "room.join"},
        )
        dropped = self._counts.dropped_sockets
        yield _by_label("konsilium_sockets_dropped", "Signalling connections that we cut", "code", dropped)
        yield _by_label(
            "konsilium_webhooks", "Webhooks of booking systems, by outcome", "outcome", self._counts.webhooks
        )
        workers = status.workers
        yield _gauge("konsilium_worker_up", "Whether the worker answers", {one.name: int(one.up) for one in workers})
        spares = {one.name: int(one.spare) for one in workers}
        yield _gauge("konsilium_worker_spare", "Whether the worker is the spare", spares)
        losses = {one.name: one.losses for one in workers}
        yield _by_label("konsilium_worker_losses", "How often the worker was lost and started again", "worker", losses)


def _workers(counters: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    """What each worker counted itself, since it began."""
    yield _gauge("konsilium_worker_rooms", "Rooms with media", _each(counters, "rooms"))
    yield _gauge("konsilium_worker_people", "People with media", _each(counters, "peers"))
    ways = GaugeMetricFamily(
        "konsilium_worker_people_by_way", "People by the way of their media", labels=["worker", "way"]
    )
    for worker, counted in counters.items():
        for name, number in counted.items():
            if name.startswith(_PEERS_BY_WAY):
                ways.add_metric([worker, name.removeprefix(_PEERS_BY_WAY)], number)
    yield ways
    for name, words in _TRAFFIC.items():
        yield _by_label(f"konsilium_worker_{name}", words, "worker", _each(counters, name))
    cpu = _each(counters, "cpu_us", 1e-6)
    yield _by_label("konsilium_worker_cpu_seconds", "CPU time of the worker's process", "worker", cpu)
    delay = _each(counters, "loop_delay_us", 1e-6)
    yield _by_label("konsilium_worker_loop_delay_seconds", "How late timers were, all together", "worker", delay)
    beats = _each(counters, "loop_beats")
    yield _by_label("konsilium_worker_loop_beats", "Timers that were looked at for it", "worker", beats)
    latest = _each(counters, "loop_delay_max_us", 1e-6)
    yield _gauge("konsilium_worker_loop_delay_max_seconds", "The latest timer since it was last asked for", latest)
    drops = CounterMetricFamily(
        "konsilium_worker_drops", "Packets not acted on, by reason", labels=["worker", "reason"]
    )
    for worker, counted in counters.items():
        for name, number in counted.items():
            if name.startswith(_DROPPED):
                drops.add_metric([worker, name.removeprefix(_DROPPED)], number)
    yield drops


def _each(counters: Mapping[str, Mapping[str, int]], name: str, factor: float = 1) -> dict[str, float]:
    return {worker: counted[name] * factor for worker, counted in counters.items() if name in counted}


def _by_label(name: str, words: str, label: str, values: Mapping[str, float]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _gauge(name: str, words: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=["worker"])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


class MetricsRoutes:
    """Only for those asked by an address of `allowed`, or with the token."""

    def __init__(self, metrics: Metrics, allowed: tuple[IpNetwork, ...], token: str) -> None:
        self._metrics = metrics
        self._allowed = allowed
        self._token = token

    def add_to(self, application: web.Application) -> None:
        """Adds the route."""
        application.router.add_get("/metrics", self.show)

    async def show(self, request: web.Request) -> web.Response:
        """All of them, in Prometheus' text format."""
        if not (self._comes_from_near(request) or self._has_token(request)):
            raise AccessError(ErrorCode.FORBIDDEN, "metrics are for the operator")
        return web.Response(body=await self._metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _comes_from_near(self, request: web.Request) -> bool:
        """A proxy that is not trusted speaks for others from its own address: they are not believed to be near."""
        if "X-Forwarded-For" in request.headers and request.remote == _peer(request):
            return False
        try:
            address = ipaddress.ip_address(request.remote or "")
        except ValueError:
            return False
        near = getattr(address, "ipv4_mapped", None) or address
        return any(near in network for network in self._allowed)

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if not self._token or scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token.encode())


def _peer(request: web.Request) -> str | None:
    """The address of the connection itself, whatever was said of it."""
    peer = None if request.transport is None else request.transport.get_extra_info("peername")
    return peer[0] if isinstance(peer, tuple) else None
