"""A proxy of our own between two sides: what it does to a connection stands in shared memory."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress

from tests.faults.board import Board

LONGEST_SILENCE = 1.5


def run_proxy(board: Board, link: str, listen: int, upstream: str | int) -> None:
    """Serves for ever. ``upstream`` is a port of this machine or the path of a socket."""
    asyncio.run(_serve(board, link, listen, upstream))


async def _serve(board: Board, link: str, listen: int, upstream: str | int) -> None:
    server = await asyncio.start_server(
        lambda reader, writer: _relay(board, link, upstream, reader, writer), "127.0.0.1", listen
    )
    async with server:
        await server.serve_forever()


async def _relay(
    board: Board, link: str, upstream: str | int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    mode = board.connection(link)
    try:
        if isinstance(upstream, str):
            far_reader, far_writer = await asyncio.open_unix_connection(upstream)
        else:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", upstream)
    except OSError:
        _reset(writer)
        return
    draw = random.Random(board.connections(link))
    limit = draw.choice((20, 60, 200, 600)) if mode == "cut" else None
    tasks = [
        asyncio.create_task(_pipe(reader, far_writer, mode, None, draw)),
        asyncio.create_task(_answer(far_reader, writer, mode, limit, draw)),
    ]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    if mode == "slow_close":
        await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
    for each in (writer, far_writer):
        with suppress(OSError):
            each.close()


async def _pipe(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, mode: str, limit: int | None, draw: random.Random
) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            if mode == "latency":
                await asyncio.sleep(draw.uniform(0.01, 0.15))
            if limit is not None:
                data, limit = data[:limit], limit - len(data)
            sink.write(data)
            await sink.drain()
            if limit is not None and limit <= 0:
                return


async def _answer(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, mode: str, limit: int | None, draw: random.Random
) -> None:
    """From the far side: where an answer is lost."""
    if mode == "reset":
        with suppress(OSError):
            await source.read(1)  # the far side has acted
        _reset(sink)
        return
    if mode == "timeout":
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(source.read(), LONGEST_SILENCE)
        return
    await _pipe(source, sink, mode, limit, draw)


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST instead of FIN."""
    raw = writer.get_extra_info("socket")
    with suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
