"""Reference: the naive bridge (aiohttp WebSocketResponse + asyncio streams). No RFB auth: passes bytes through.

usage: naive_aiohttp.py LISTEN_PORT VNC_PORT [asyncio|uvloop]
"""

import asyncio
import sys

from aiohttp import WSMsgType, web


async def handler(request):
    ws = web.WebSocketResponse(protocols=("binary",), compress=False, max_msg_size=0)
    await ws.prepare(request)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))

    async def down():
        while data := await reader.read(65536):
            await ws.send_bytes(data)
        await ws.close()

    task = asyncio.create_task(down())
    try:
        async for msg in ws:
            if msg.type == WSMsgType.BINARY:
                writer.write(msg.data)
                await writer.drain()
    finally:
        task.cancel()
        writer.close()
    return ws


app = web.Application()
app.router.add_get("/{tail:.*}", handler)
loop = asyncio.new_event_loop()
if sys.argv[3:4] == ["uvloop"]:
    import uvloop

    loop = uvloop.new_event_loop()
asyncio.set_event_loop(loop)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), loop=loop, access_log=None, print=None)
