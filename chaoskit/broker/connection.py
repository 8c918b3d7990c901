"""Connecting to a broker, and saying exactly why it did not work."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import AMQPError, ProbableAuthenticationError
from aiormq.exceptions import InvalidFrameError
from pamqp import commands, frame, header

from chaoskit.broker.address import BrokerAddress
from chaoskit.errors import BrokerFailed

CONNECT_S_MAX = 5.0

# Both log every lost connection with a traceback; what matters of it reaches the user as an error of ours.
for _name in ("aiormq", "aio_pika"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


async def connect(url: str) -> AbstractConnection:
    """A connection that does *not* come back by itself: a lost one is a fact to be told. Raises BrokerFailed."""
    address = BrokerAddress.parse(url)
    try:
        return await aio_pika.connect(url, timeout=CONNECT_S_MAX)
    except ProbableAuthenticationError as error:
        raise BrokerFailed(
            f"the broker refused user {address.user!r}: unknown, or its password is wrong",
            where=address.shown,
            remedy="look at user and password in the URL; characters such as @ : / must be quoted (%40 %3A %2F)",
        ) from error
    except InvalidFrameError as error:
        raise _refused(address, await _close_text(address)) from error
    except TimeoutError as error:
        raise BrokerFailed(
            f"no AMQP answer within {CONNECT_S_MAX:.0f} s",
            where=address.shown,
            remedy="is it an AMQP port? 15672 is the management API's, 5672 usually the broker's",
        ) from error
    except (AMQPError, OSError) as error:
        raise BrokerFailed(
            f"the broker can't be reached: {error}", where=address.shown, remedy="is it running there? See the port"
        ) from error


def _refused(address: BrokerAddress, text: str) -> BrokerFailed:
    if "not found" in text:
        remedy = f"make it (rabbitmqctl add_vhost {address.vhost}), or name another; the vhost / is written %2F"
        return BrokerFailed(f"there is no virtual host {address.vhost!r}", where=address.shown, remedy=remedy)
    if "refused for user" in text:
        remedy = f'rabbitmqctl set_permissions -p {address.vhost} {address.user} ".*" ".*" ".*"'
        what = f"user {address.user!r} may not use the virtual host {address.vhost!r}"
        return BrokerFailed(what, where=address.shown, remedy=remedy)
    what = f"the broker closed the connection: {text or 'no reason given'}"
    return BrokerFailed(what, where=address.shown, remedy="see the broker's log")


async def _close_text(address: BrokerAddress) -> str:
    """Shake hands once more by hand for the reason that the broker gives, which the library loses; "" if none."""
    try:
        async with asyncio.timeout(CONNECT_S_MAX):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=True if address.scheme == "amqps" else None
            )
            try:
                return await _shake_hands(reader, writer, address)
            finally:
                writer.close()
    except (OSError, TimeoutError, EOFError):
        return ""


async def _shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: BrokerAddress) -> str:
    writer.write(header.ProtocolHeader().marshal())
    await _next_frame(reader)
    login = f"\0{address.user}\0{address.password}"
    writer.write(frame.marshal(commands.Connection.StartOk({}, "PLAIN", login, "en_US"), 0))
    answer = await _next_frame(reader)
    if isinstance(answer, commands.Connection.Tune):
        tuned = commands.Connection.TuneOk(answer.channel_max, answer.frame_max, 0)
        writer.write(frame.marshal(tuned, 0) + frame.marshal(commands.Connection.Open(address.vhost), 0))
        answer = await _next_frame(reader)
    return str(answer.reply_text) if isinstance(answer, commands.Connection.Close) else ""


async def _next_frame(reader: asyncio.StreamReader) -> Any:
    head = await reader.readexactly(7)
    _, _, body_bytes = frame.frame_parts(head)
    return frame.unmarshal(head + await reader.readexactly((body_bytes or 0) + 1))[2]
