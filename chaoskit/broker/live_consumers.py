"""How many consumers a queue has at this moment: the management API tells that seconds late."""

from __future__ import annotations

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

UNKNOWN = -1


class LiveConsumers:
    """Asks by passive declaration, about 0.3 ms a queue; an exclusive queue of somebody else can't be asked."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection
        self._channel: AbstractChannel | None = None
        self._refused: set[str] = set()

    async def of(self, queue: str) -> int:
        """The number of consumers, or `UNKNOWN`."""
        if queue in self._refused:
            return UNKNOWN
        try:
            if self._channel is None:
                self._channel = await self._connection.channel()
            declared = await self._channel.declare_queue(queue, passive=True)
        except AMQPError:  # the broker has closed the channel with its refusal
            self._refused.add(queue)
            self._channel = None
            return UNKNOWN
        except (ChannelInvalidStateError, OSError, TimeoutError, RuntimeError):
            self._channel = None
            return UNKNOWN
        return declared.declaration_result.consumer_count or 0
