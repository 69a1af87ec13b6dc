"""Reference: picows bridge with backpressure. No RFB auth: passes bytes through.

usage: picows_bridge.py LISTEN_PORT VNC_PORT [asyncio|uvloop]
"""

import asyncio
import sys

import aiofastnet
from picows import WSListener, WSMsgType, ws_create_server


class Vnc(aiofastnet.Protocol if hasattr(aiofastnet, "Protocol") else asyncio.BufferedProtocol):
    buf = memoryview(bytearray(262144))  # shared: picows writes or copies before it returns

    def __init__(self, browser):
        self.browser = browser

    def is_buffered_protocol(self):
        return True

    def connection_made(self, t):
        self.t = t
        b = self.browser
        b.vnc = t
        if b.early:
            t.write(b"".join(b.early))
            b.early = None

    def get_buffer(self, hint):
        return self.buf

    def buffer_updated(self, n):
        self.browser.ws.send(WSMsgType.BINARY, self.buf[:n])

    def eof_received(self):
        self.browser.ws.send_close()
        self.browser.ws.disconnect()

    def connection_lost(self, exc):
        self.browser.ws.disconnect()

    def pause_writing(self):
        self.browser.ws.underlying_transport.pause_reading()

    def resume_writing(self):
        self.browser.ws.underlying_transport.resume_reading()


class Browser(WSListener):
    vnc = None

    def on_ws_connected(self, ws):
        self.ws, self.early = ws, []
        loop = asyncio.get_running_loop()
        self.task = loop.create_task(
            aiofastnet.create_connection(loop, lambda: Vnc(self), "127.0.0.1", int(sys.argv[2]))
        )

    def on_ws_frame(self, ws, f):
        if f.msg_type in {WSMsgType.BINARY, WSMsgType.CONTINUATION}:
            if self.vnc:
                self.vnc.write(f.get_payload_as_bytes())
            else:
                self.early.append(f.get_payload_as_bytes())
        elif f.msg_type == WSMsgType.CLOSE:
            ws.send_close(f.get_close_code())
            ws.disconnect()

    def on_ws_disconnected(self, ws):
        if self.vnc:
            self.vnc.close()

    def pause_writing(self):
        self.vnc and self.vnc.pause_reading()

    def resume_writing(self):
        self.vnc and self.vnc.resume_reading()


async def main():
    srv = await ws_create_server(lambda r: Browser(), "127.0.0.1", int(sys.argv[1]))
    await srv.serve_forever()


if sys.argv[3:4] == ["uvloop"]:
    import uvloop

    uvloop.run(main())
else:
    asyncio.run(main())
