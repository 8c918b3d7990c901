"""A service process: HTTP, its background work, and a quick end at SIGTERM."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from chaoskit.shop.settings import Settings

if TYPE_CHECKING:  # a service without a broker need not load its client
    from chaoskit.shop.broker import Broker

STOP_S = 0.4


def order_id(request: Request) -> str:
    """The `orderId` of the query; empty when there is none, which no order is called."""
    return request.query_params.get("orderId", "")


def problem(status: int, title: str) -> JSONResponse:
    """An error answer (RFC 9457)."""
    return JSONResponse({"title": title, "status": status}, status_code=status, media_type="application/problem+json")


def serve(
    settings: Settings,
    routes: Sequence[Route],
    *,
    broker: Broker | None = None,
    background: Sequence[Callable[[], Awaitable[None]]] = (),
    closing: Sequence[Callable[[], Awaitable[None]]] = (),
) -> None:
    """Run until SIGTERM or SIGINT. `background` runs beside the HTTP server; if one ends, so does the service."""
    work = [*background, *([broker.run] if broker else [])]

    async def health(_: Request) -> Response:
        state: dict[str, Any] = {"service": settings.service, "status": "up"}
        if broker:
            state |= {"broker": "connected" if broker.connected else "disconnected", "outbox": broker.outbox.waiting()}
        return JSONResponse(state)

    async def ready(_: Request) -> Response:
        up = broker is None or broker.connected
        return JSONResponse({"ready": up}, status_code=200 if up else 503)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.ensure_future(start()) for start in work]
        for task in tasks:
            task.add_done_callback(_stop_if_it_died)
        yield
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)
        for close in closing:
            await close()

    def _stop_if_it_died(task: asyncio.Future[None]) -> None:
        if not task.cancelled():
            print(f"{settings.service}: background work ended: {task.exception()!r}", file=sys.stderr, flush=True)
            server.should_exit = True

    app = Starlette(routes=[Route("/health", health), Route("/ready", ready), *routes], lifespan=lifespan)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            ws="none",
            timeout_graceful_shutdown=1,
        )
    )
    server.run()
