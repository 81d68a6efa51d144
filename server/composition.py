"""Wires the parts of one server process together, and takes them apart again."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from booking_bridge.bridge import Bridge
from contract.clock import Clock, ShiftedClock, SystemClock
from rooms.assembly import Rooms, open_rooms
from rooms.ice_servers import IceServerSource, NoIceServers
from rooms.retention import Retention
from rooms.sessions import Identity
from server.control import Control
from server.demo import Demo
from server.demo_routes import DemoRoutes
from server.drain import Drain
from server.loop_delay import LoopDelay
from server.media_link import MediaLink
from server.metrics import Counts, Metrics, MetricsRoutes
from server.session_routes import EndDevice, SessionRoutes
from server.settings import Settings
from server.turn import TurnServers, read_secret
from server.web_application import Routes, socket_server, web_application
from server.webhook_routes import WebhookRoutes
from signaling.dispatch import Dispatcher
from signaling.gateway import ConsultationGateway
from signaling.handlers import consultation_handlers
from signaling.outbox import SocketOutbox

WORKERS_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Node:
    """The parts of a running server process."""

    application: web.Application
    rooms: Rooms
    bridge: Bridge
    media: MediaLink
    gateway: ConsultationGateway
    demo: Demo | None


async def open_node(
    settings: Settings,
    base_url: str,
    started_at: int,
    assets: Path,
    closing: AsyncExitStack,
    end_node: Callable[[], None],
) -> Node:
    """Opens everything but the listening socket. `closing` takes it apart in the reverse order.

    `end_node`: has the whole node ended, in order. `started_at`: when the node was started, in Unix seconds; the same
    for a server process that is started again.

    Raises `UnavailableError` when no media worker answers in time.
    """
    shifted = ShiftedClock() if settings.demo else None
    clock: Clock = shifted or SystemClock()
    media = MediaLink(settings.worker_sockets())
    closing.push_async_callback(media.close)
    sockets = socket_server()
    outbox = SocketOutbox(sockets)
    await media.start(WORKERS_START_SECONDS)
    ice_servers = await asyncio.to_thread(_ice_servers, settings)
    rooms = await open_rooms(settings.data, media, outbox, clock, ice_servers=ice_servers)
    closing.push_async_callback(rooms.close)
    retention = Retention(rooms.store, clock)
    retention.start()
    closing.push_async_callback(retention.close)
    bridge = Bridge(rooms, f"{base_url}/j/")
    bridge.start()
    closing.push_async_callback(bridge.close)
    dispatcher = Dispatcher(consultation_handlers(rooms.consultations))
    gateway = ConsultationGateway(rooms.sessions, rooms.consultations, dispatcher, outbox)
    sockets.register_namespace(gateway)
    closing.push_async_callback(gateway.close)
    control = await _open_control(settings.data, rooms, media, end_node, closing)
    webhooks = WebhookRoutes(bridge)
    counts = Counts(dispatcher.outcomes, outbox.dropped, webhooks.outcomes, lambda: gateway.open_connections)
    metrics = Metrics(control, media, counts)
    closing.push_async_callback(LoopDelay(metrics.loop_delay.observe).close)
    groups: list[Routes] = [
        SessionRoutes(rooms.sessions, clock, _device_end(rooms, gateway)),
        webhooks,
        MetricsRoutes(metrics, settings.metrics_from, settings.metrics_token),
    ]
    demo = Demo(rooms, bridge, shifted, base_url, started_at) if shifted else None
    if demo is not None:
        groups.append(DemoRoutes(demo))
    application = web_application(sockets, groups, lambda: media.ready, assets, settings.trusted_proxy, base_url)
    return Node(application, rooms, bridge, media, gateway, demo)


def _ice_servers(settings: Settings) -> IceServerSource:
    if settings.turn_secret_file is None:
        return NoIceServers()
    # The TURN server knows the real time alone, whatever the demonstration's clock shows.
    return TurnServers(settings.turn, read_secret(settings.turn_secret_file), SystemClock())


def _device_end(rooms: Rooms, gateway: ConsultationGateway) -> EndDevice:
    async def end(device: Identity) -> None:
        await gateway.close_device(device.session)
        await rooms.consultations.device_forgotten(device.appointment, device.participant, device.session)

    return end


async def _open_control(
    folder: Path, rooms: Rooms, media: MediaLink, end_node: Callable[[], None], closing: AsyncExitStack
) -> Control:
    drain = Drain(folder, rooms.consultations, end_node)
    closing.callback(drain.close)
    await drain.take_up()
    control = Control(drain, rooms.consultations, media)
    await control.open(folder)
    closing.push_async_callback(control.close)
    return control
