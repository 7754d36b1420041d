"""The sockets: aiohttp in front of ``Service``. The one place where REST replies and frames leave the exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from kalshi_tui.practice import rest_groups, rest_orders, rest_portfolio, rest_public
from kalshi_tui.practice.calls import PAGE_NOT_FOUND, Reply, Route
from kalshi_tui.practice.service import Request, Service
from kalshi_tui.practice.ws_session import Session
from kalshi_tui.protocol.units import SECOND

REST_ROOT = "/trade-api/v2"
WS_PATH = "/trade-api/ws/v2"
PING_EVERY_S = 10.0
_CLOSE_S = 1.0
"""How long a closed client may take to say goodbye."""

AiohttpHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def all_routes() -> list[Route]:
    routes = [*rest_public.ROUTES, *rest_portfolio.ROUTES, *rest_orders.ROUTES, *rest_groups.ROUTES]
    return [*routes, rest_public.costs_route(routes)]


def make_app(service: Service) -> web.Application:
    """Everything under one port."""
    app = web.Application()
    for route in all_routes():
        app.router.add_route(route.method, REST_ROOT + route.path, _rest(service, route))
    app.router.add_get(WS_PATH, _websocket(service))
    app.router.add_get("/practice/oracle", _oracle(service))
    app.router.add_route("*", "/{rest:.*}", _unknown)
    return app


def _send(reply: Reply) -> web.Response:
    """A REST reply on its way out."""
    if reply.body is None:
        return web.Response(status=reply.status)
    if isinstance(reply.body, str):
        return web.Response(status=reply.status, text=reply.body)
    body = msgspec.json.encode(reply.body)
    return web.Response(status=reply.status, body=body, content_type="application/json")


def _rest(service: Service, route: Route) -> AiohttpHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = await request.read()
        except ConnectionResetError:
            return web.Response(status=400)  # the caller was killed in the middle: nobody hears this
        asked = Request(
            request.method,
            request.rel_url.raw_path,
            request.headers,
            request.match_info,
            request.query,
            lambda name: request.query.getall(name, []),
            body,
        )
        answer = service.respond(route, asked, REST_ROOT)
        if answer.wait:
            await asyncio.sleep(answer.wait / SECOND)
        if answer.lost and request.transport is not None:
            request.transport.abort()
        return _send(answer.reply)

    return handle


async def _unknown(request: web.Request) -> web.StreamResponse:
    path = request.rel_url.raw_path
    if len(path) > 1 and path.endswith("/"):
        raise web.HTTPMovedPermanently(path.rstrip("/") or "/")
    return _send(PAGE_NOT_FOUND)


def _oracle(service: Service) -> AiohttpHandler:
    """``GET /practice/oracle?user_id=``: the truth, for tests. Not signed; the server listens on loopback only."""

    async def handle(request: web.Request) -> web.StreamResponse:
        service.catch_up(service.now())
        clients = {user: a for user, a in service.exchange.accounts.items() if not a.house}
        account = clients.get(request.query.get("user_id") or next(iter(clients), ""))
        if account is None:
            return _send(PAGE_NOT_FOUND)
        return _send(Reply(200, service.exchange.oracle(account)))

    return handle


# -- WebSocket -----------------------------------------------------------------------------------------------


def _websocket(service: Service) -> AiohttpHandler:
    async def handle(request: web.Request) -> web.StreamResponse:
        session = service.open_session(request.headers, request.rel_url.raw_path)
        if isinstance(session, Reply):
            return _send(session)
        socket = web.WebSocketResponse(compress=False, autoping=False, timeout=_CLOSE_S)
        try:
            await socket.prepare(request)
            await _converse(service, session, socket, request)
        finally:
            service.close_session(session)
        return socket

    return handle


async def _converse(
    service: Service, session: Session, socket: web.WebSocketResponse, request: web.Request
) -> None:
    """Read commands until the client is gone, while frames and pings go out."""
    writing = asyncio.ensure_future(_write(service, session, socket, request))
    tasks = [writing, asyncio.ensure_future(_ping(service, socket))]
    try:
        async for message in socket:
            await _no_silence(service)
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                service.command(session, message.data)
            elif message.type is WSMsgType.PING:
                # Whoever asked may have gone while nothing was heard.
                with suppress(ClientConnectionResetError):
                    await socket.pong(message.data)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _no_silence(service: Service) -> None:
    """While the exchange is silent by plan nothing is heard of it, whatever it does."""
    if left := service.plan.lasts("silence", service.now()):
        await asyncio.sleep(left / SECOND)


async def _write(
    service: Service, session: Session, socket: web.WebSocketResponse, request: web.Request
) -> None:
    """Frames in order; a client that does not read makes them wait in ``outgoing``."""
    try:
        while True:
            await session.wake.wait()
            session.wake.clear()
            if session.ending == "hangup":
                await socket.close(code=WSCloseCode.GOING_AWAY)
                return
            if session.ending and request.transport is not None:
                request.transport.abort()
                return
            while session.outgoing and not session.ending:
                await _no_silence(service)
                sub, frame = session.outgoing.popleft()
                session.written(sub)
                await socket.send_frame(frame, WSMsgType.TEXT)
    except ClientConnectionResetError:
        return


async def _ping(service: Service, socket: web.WebSocketResponse) -> None:
    try:
        while True:
            await asyncio.sleep(PING_EVERY_S)
            await _no_silence(service)
            await socket.ping(b"heartbeat")
    except ClientConnectionResetError:
        return
