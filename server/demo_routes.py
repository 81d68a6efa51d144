"""The demo page's API: `/api/v1/demo`. Exists in demo mode only."""

from datetime import datetime

from aiohttp import web

from contract.messages import Message
from rooms.messages import VerdictCode
from server.demo import Appointment, Demo, Person
from server.request_body import json_response, read_body

_DAY_MINUTES = 24 * 60


class PersonLink(Message, frozen=True):
    """One person's link, and the verdict that it shows now."""

    role: str
    state: VerdictCode
    url: str


class DemoAppointment(Message, frozen=True):
    """`id` is what actions name."""

    id: str
    title: str
    starts_at: datetime
    people: tuple[PersonLink, ...]


class DemoView(Message, frozen=True):
    """The answer of `GET /api/v1/demo`. The last link is one that was never issued."""

    now: datetime
    clock_shift_minutes: int
    actions: tuple[str, ...]
    appointments: tuple[DemoAppointment, ...]
    bad_link: str


class ClockShift(Message, frozen=True):
    """The body of `POST /api/v1/demo/clock`."""

    minutes: float

    def __post_init__(self) -> None:
        if abs(self.minutes) > 30 * _DAY_MINUTES:
            raise ValueError("the clock moves by 30 days at most")


class DemoRoutes:
    """Lists the appointments, plays the booking system, moves the clock."""

    def __init__(self, demo: Demo) -> None:
        self._demo = demo

    def add_to(self, application: web.Application) -> None:
        """Adds the routes."""
        application.router.add_get("/api/v1/demo", self.show)
        application.router.add_post("/api/v1/demo/appointments/{appointment}/{action}", self.act)
        application.router.add_post("/api/v1/demo/clock", self.move_clock)

    async def show(self, _request: web.Request) -> web.Response:
        """Everything the demo page shows."""
        return json_response(await demo_view(self._demo))

    async def act(self, request: web.Request) -> web.Response:
        """One move of the booking system; answers with everything as it is now."""
        await self._demo.act(request.match_info["appointment"], request.match_info["action"])
        return json_response(await demo_view(self._demo))

    async def move_clock(self, request: web.Request) -> web.Response:
        """Moves the clinic's time; answers with everything as it is now."""
        await self._demo.move_clock((await read_body(request, ClockShift)).minutes)
        return json_response(await demo_view(self._demo))


async def demo_view(demo: Demo) -> DemoView:
    """The demo clinic as it is now."""
    return DemoView(
        now=demo.clock.now(),
        clock_shift_minutes=int(demo.clock.shift.total_seconds() // 60),
        actions=demo.action_names(),
        appointments=tuple([await _appointment_view(demo, one) for one in demo.appointments.values()]),
        bad_link=demo.bad_link,
    )


async def ready_links(demo: Demo) -> list[dict[str, str]]:
    """The links of the ready line."""
    view = await demo_view(demo)
    links = [
        {"role": person.role, "state": person.state.value, "appointment": appointment.id, "url": person.url}
        for appointment in view.appointments
        for person in appointment.people
    ]
    bad = VerdictCode.LINK_INVALID.value
    return [*links, {"role": "patient", "state": bad, "appointment": bad, "url": view.bad_link}]


async def _appointment_view(demo: Demo, appointment: Appointment) -> DemoAppointment:
    return DemoAppointment(
        id=appointment.scenario.key,
        title=appointment.scenario.title,
        starts_at=appointment.starts_at,
        people=tuple([await _person_link(demo, person) for person in appointment.people.values()]),
    )


async def _person_link(demo: Demo, person: Person) -> PersonLink:
    return PersonLink(role=person.role, state=await demo.state(person), url=person.url)
