/* wsb - load tools for WebSocket <-> TCP (VNC) proxies.  Linux only, no dependencies.
 *   cc -O2 -Wall -o wsb wsb.c
 *   wsb serve --port P [--ws] [--secret S]      VNC-like source/sink (TCP, or WebSocket with --ws)
 *   wsb relay --port P --target T [--copy]               raw TCP forwarder (kernel splice, or one recv + one send)
 *   wsb load  --port P --mode bulk|ping|mix|idle|rate|upload|verify ...   one JSON line on stdout
 * The server speaks real RFB 3.8 (VncAuth when --secret is given, else None).  After ServerInit:
 *   FramebufferUpdateRequest incremental=0 -> a 20-byte FramebufferUpdate at once ("ping"; 10 bytes up)
 *   FramebufferUpdateRequest incremental=1, x=chunk KiB, y=period ms (0 = as fast as possible) -> endless
 *     stream of chunks whose bytes follow a fixed pattern (so the client can verify them)
 *   ClientCutText (upload), PointerEvent, KeyEvent are read and thrown away.
 * Lean by design: the sink throws payload away with recv(MSG_TRUNC) (no copy); the source is one plain send()
 * a chunk (measured: half the CPU of sendfile from a memfd, whose 4 KiB pages make many small fragments). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64;
#define PAT 1048573u                         /* prime, so no chunk size hides a shift */
#define MAXCHUNK (4u << 20)
static void die(const char *f, ...) { va_list a; va_start(a, f); vfprintf(stderr, f, a); fputc('\n', stderr); exit(2); }
static u64 now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }
static u64 rs = 88172645463325252ull;
static u64 rnd(void) { rs ^= rs << 13; rs ^= rs >> 7; rs ^= rs << 17; return rs; }
static u8 *pat;
static void mkpat(void) {
  size_t n = PAT + MAXCHUNK; pat = malloc(n);
  u64 s = 12345; for (size_t i = 0; i < PAT; i++) { s = s * 6364136223846793005ull + 1442695040888963407ull; pat[i] = s >> 56; }
  for (size_t i = PAT; i < n; i++) pat[i] = pat[i - PAT];
}
/* ---- DES, one block (VncAuth) ---- */
static const u8 IP[64]={58,50,42,34,26,18,10,2,60,52,44,36,28,20,12,4,62,54,46,38,30,22,14,6,64,56,48,40,32,24,16,8,57,49,41,33,25,17,9,1,59,51,43,35,27,19,11,3,61,53,45,37,29,21,13,5,63,55,47,39,31,23,15,7};
static const u8 FP[64]={40,8,48,16,56,24,64,32,39,7,47,15,55,23,63,31,38,6,46,14,54,22,62,30,37,5,45,13,53,21,61,29,36,4,44,12,52,20,60,28,35,3,43,11,51,19,59,27,34,2,42,10,50,18,58,26,33,1,41,9,49,17,57,25};
static const u8 EX[48]={32,1,2,3,4,5,4,5,6,7,8,9,8,9,10,11,12,13,12,13,14,15,16,17,16,17,18,19,20,21,20,21,22,23,24,25,24,25,26,27,28,29,28,29,30,31,32,1};
static const u8 PB[32]={16,7,20,21,29,12,28,17,1,15,23,26,5,18,31,10,2,8,24,14,32,27,3,9,19,13,30,6,22,11,4,25};
static const u8 PC1[56]={57,49,41,33,25,17,9,1,58,50,42,34,26,18,10,2,59,51,43,35,27,19,11,3,60,52,44,36,63,55,47,39,31,23,15,7,62,54,46,38,30,22,14,6,61,53,45,37,29,21,13,5,28,20,12,4};
static const u8 PC2[48]={14,17,11,24,1,5,3,28,15,6,21,10,23,19,12,4,26,8,16,7,27,20,13,2,41,52,31,37,47,55,30,40,51,45,33,48,44,49,39,56,34,53,46,42,50,36,29,32};
static const u8 SB[8][64]={
{14,4,13,1,2,15,11,8,3,10,6,12,5,9,0,7,0,15,7,4,14,2,13,1,10,6,12,11,9,5,3,8,4,1,14,8,13,6,2,11,15,12,9,7,3,10,5,0,15,12,8,2,4,9,1,7,5,11,3,14,10,0,6,13},
{15,1,8,14,6,11,3,4,9,7,2,13,12,0,5,10,3,13,4,7,15,2,8,14,12,0,1,10,6,9,11,5,0,14,7,11,10,4,13,1,5,8,12,6,9,3,2,15,13,8,10,1,3,15,4,2,11,6,7,12,0,5,14,9},
{10,0,9,14,6,3,15,5,1,13,12,7,11,4,2,8,13,7,0,9,3,4,6,10,2,8,5,14,12,11,15,1,13,6,4,9,8,15,3,0,11,1,2,12,5,10,14,7,1,10,13,0,6,9,8,7,4,15,14,3,11,5,2,12},
{7,13,14,3,0,6,9,10,1,2,8,5,11,12,4,15,13,8,11,5,6,15,0,3,4,7,2,12,1,10,14,9,10,6,9,0,12,11,7,13,15,1,3,14,5,2,8,4,3,15,0,6,10,1,13,8,9,4,5,11,12,7,2,14},
{2,12,4,1,7,10,11,6,8,5,3,15,13,0,14,9,14,11,2,12,4,7,13,1,5,0,15,10,3,9,8,6,4,2,1,11,10,13,7,8,15,9,12,5,6,3,0,14,11,8,12,7,1,14,2,13,6,15,0,9,10,4,5,3},
{12,1,10,15,9,2,6,8,0,13,3,4,14,7,5,11,10,15,4,2,7,12,9,5,6,1,13,14,0,11,3,8,9,14,15,5,2,8,12,3,7,0,4,10,1,13,11,6,4,3,2,12,9,5,15,10,11,14,1,7,6,0,8,13},
{4,11,2,14,15,0,8,13,3,12,9,7,5,10,6,1,13,0,11,7,4,9,1,10,14,3,5,12,2,15,8,6,1,4,11,13,12,3,7,14,10,15,6,8,0,5,9,2,6,11,13,8,1,4,10,7,9,5,0,15,14,2,3,12},
{13,2,8,4,6,15,11,1,10,9,3,14,5,0,12,7,1,15,13,8,10,3,7,4,12,5,6,11,0,14,9,2,7,11,4,1,9,12,14,2,0,6,10,13,15,3,5,8,2,1,14,7,4,10,8,13,15,12,9,0,3,5,6,11}};
static u64 perm(u64 v, int in, const u8 *t, int n) { u64 r = 0; for (int i = 0; i < n; i++) r = r << 1 | (v >> (in - t[i]) & 1); return r; }
static void des(const u8 k[8], const u8 in[8], u8 out[8]) {
  u64 key = 0, b = 0; for (int i = 0; i < 8; i++) { key = key << 8 | k[i]; b = b << 8 | in[i]; }
  u64 cd = perm(key, 64, PC1, 56); u32 c = cd >> 28, d = cd & 0xfffffff; b = perm(b, 64, IP, 64); u32 l = b >> 32, r = b;
  for (int i = 0; i < 16; i++) {
    int s = (i == 0 || i == 1 || i == 8 || i == 15) ? 1 : 2;
    c = (c << s | c >> (28 - s)) & 0xfffffff; d = (d << s | d >> (28 - s)) & 0xfffffff;
    u64 e = perm(r, 32, EX, 48) ^ perm((u64)c << 28 | d, 56, PC2, 48); u32 f = 0;
    for (int j = 0; j < 8; j++) { int x = e >> (42 - 6 * j) & 63; f = f << 4 | SB[j][((x >> 4 & 2) | (x & 1)) << 4 | (x >> 1 & 15)]; }
    u32 t = l ^ (u32)perm(f, 32, PB, 32); l = r; r = t;
  }
  b = perm((u64)r << 32 | l, 64, FP, 64); for (int i = 7; i >= 0; i--) { out[i] = b; b >>= 8; }
}
static void vncauth(const char *pw, const u8 ch[16], u8 out[16]) {
  u8 k[8] = {0}; for (int i = 0; i < 8 && pw[i]; i++) for (int j = 0; j < 8; j++) if (pw[i] >> j & 1) k[i] |= 128 >> j;
  des(k, ch, out); des(k, ch + 8, out + 8);
}
/* ---- WebSocket stream decoder ---- */
typedef struct { u8 h[14]; int hn; u64 left; u8 op, mk[4], mo, masked; } wsd;
/* take one header from p; returns bytes used; d->hn = -1 when a header is complete */
static int wshdr(wsd *d, const u8 *p, int n) {
  int u = 0;
  while (u < n) {
    d->h[d->hn++] = p[u++]; if (d->hn < 2) continue;
    int l = d->h[1] & 127, need = 2 + (l == 126 ? 2 : l == 127 ? 8 : 0) + (d->h[1] & 128 ? 4 : 0);
    if (d->hn < need) continue;
    d->left = l < 126 ? l : 0; int o = 2;
    if (l == 126) { d->left = d->h[2] << 8 | d->h[3]; o = 4; } else if (l == 127) { for (int i = 0; i < 8; i++) d->left = d->left << 8 | d->h[2 + i]; o = 10; }
    d->op = d->h[0] & 15; d->masked = d->h[1] >> 7; d->mo = 0; if (d->masked) memcpy(d->mk, d->h + o, 4);
    d->hn = -1; return u;
  }
  return u;
}
static int mkhdr(u8 *h, int op, u64 n, int mask) {
  h[0] = 128 | op; int o = 2; u8 m = mask ? 128 : 0;
  if (n < 126) h[1] = m | n; else if (n < 65536) { h[1] = m | 126; h[2] = n >> 8; h[3] = n; o = 4; }
  else { h[1] = m | 127; for (int i = 0; i < 8; i++) h[2 + i] = n >> (56 - 8 * i); o = 10; }
  return o;
}
static int lsock(int port) {
  int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), o = 1; setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &o, sizeof o);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(s, (void *)&a, sizeof a) || listen(s, 4096)) die("bind %d: %s", port, strerror(errno));
  return s;
}
static void nodelay(int fd) { int o = 1; setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &o, sizeof o); }

/* =============================== server =============================== */
enum { S_HTTP, S_VER, S_SEL, S_RESP, S_CINIT, S_RUN };
typedef struct sc { int fd, st, cn; u8 cmd[40]; u64 skip; u8 ch[16]; wsd d; char *http; int httpn;
  u8 ob[8192]; int on; u32 chunk, period, sent; u8 bh[14]; int bhn, bho; u64 pos, due; int bulk, wout; struct sc *np; } sc;
static int ep, ws_mode; static const char *secret; static sc *paced[65536]; static int npaced;
static void sarm(sc *c, int out) { if (c->wout == out) return; c->wout = out; struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); }
static void sclose(sc *c) { close(c->fd); for (int i = 0; i < npaced; i++) if (paced[i] == c) { paced[i] = paced[--npaced]; break; } free(c->http); c->fd = -1; free(c); }
static void sput(sc *c, const void *p, int n) { if (ws_mode && c->st != S_HTTP) c->on += mkhdr(c->ob + c->on, 2, n, 0); if (c->on + n > (int)sizeof c->ob) die("small output overflow"); memcpy(c->ob + c->on, p, n); c->on += n; }
static int sflush(sc *c) {                  /* small output only between bulk chunks */
  if (!c->on || c->sent || c->bho) return 0;
  int n = send(c->fd, c->ob, c->on, MSG_NOSIGNAL); if (n < 0) { if (errno != EAGAIN) return -1; n = 0; }
  memmove(c->ob, c->ob + n, c->on - n); c->on -= n; sarm(c, c->on || (c->bulk && !c->period)); return 0;
}
static int spump(sc *c) {                   /* at most one chunk a call: fair between connections */
  if (c->on && !c->sent && !c->bho) { if (sflush(c)) return -1; if (c->on) return 0; }
  if (!c->bulk) { sarm(c, 0); return 0; }
  if (ws_mode) {
    if (!c->bhn) { c->bhn = mkhdr(c->bh, 2, c->chunk, 0); c->bho = 0; }
    if (c->bho < c->bhn) { int n = send(c->fd, c->bh + c->bho, c->bhn - c->bho, MSG_NOSIGNAL | MSG_MORE); if (n < 0) { sarm(c, 1); return errno == EAGAIN ? 0 : -1; } c->bho += n; if (c->bho < c->bhn) return 0; }
  }
  while (c->sent < c->chunk) {
    ssize_t n = send(c->fd, pat + c->pos % PAT, c->chunk - c->sent, MSG_NOSIGNAL);
    if (n <= 0) { if (errno != EAGAIN) return -1; sarm(c, 1); return 0; }
    c->sent += n; c->pos += n;
  }
  c->sent = 0; c->bho = 0; c->bhn = 0; if (c->period) { c->bulk = 0; sarm(c, c->on > 0); }
  return 0;
}
static int sdata(sc *c, const u8 *p, int n) {
  while (n > 0) {
    if (c->skip) { u64 k = c->skip < (u64)n ? c->skip : (u64)n; c->skip -= k; p += k; n -= k; continue; }
    c->cmd[c->cn++] = *p++; n--; u8 *m = c->cmd;
    switch (c->st) {
    case S_VER: if (c->cn < 12) continue; c->st = S_SEL; sput(c, secret ? "\1\2" : "\1\1", 2); break;
    case S_SEL: if (secret) { for (int i = 0; i < 16; i++) c->ch[i] = rnd(); c->st = S_RESP; sput(c, c->ch, 16); } else { c->st = S_CINIT; sput(c, "\0\0\0\0", 4); } break;
    case S_RESP: { if (c->cn < 16) continue; u8 r[16]; vncauth(secret, c->ch, r); if (memcmp(r, m, 16)) return -1; c->st = S_CINIT; sput(c, "\0\0\0\0", 4); break; }
    case S_CINIT: { u8 si[28] = {7, 128, 4, 56, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 4, 'd', 'e', 's', 'k'}; c->st = S_RUN; sput(c, si, 28); break; }
    default:
      if (m[0] == 3) { if (c->cn < 10) continue;
        if (m[1] == 0) { static const u8 fu[20] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 2, 3, 0}; if (c->on > 8000) return -1; sput(c, fu, 20); }
        else { c->chunk = (m[2] << 8 | m[3]) << 10; c->period = m[4] << 8 | m[5]; c->pos = 0; if (c->period) { c->due = now() + rnd() % (c->period * 1000000ull); paced[npaced++] = c; } else { c->bulk = 1; sarm(c, 1); } }
      } else if (m[0] == 4) { if (c->cn < 8) continue; } else if (m[0] == 5) { if (c->cn < 6) continue; }
      else if (m[0] == 6) { if (c->cn < 8) continue; c->skip = (u32)(m[4] << 24 | m[5] << 16 | m[6] << 8 | m[7]); }
      else if (m[0] == 0) { if (c->cn < 20) continue; } else if (m[0] == 2) { if (c->cn < 4) continue; c->skip = 4 * (m[2] << 8 | m[3]); }
      else return -1;
    }
    c->cn = 0;
  }
  return 0;
}
/* SHA-1 + base64 for Sec-WebSocket-Accept */
static void accept_key(const char *key, char *out) {
  u8 m[192] = {0}; int n = sprintf((char *)m, "%.60s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key), blocks = (n + 8) / 64 + 1;
  m[n] = 128; u64 bits = n * 8ull; for (int i = 0; i < 8; i++) m[blocks * 64 - 1 - i] = bits >> 8 * i;
  u32 h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
#define ROL(x, s) ((x) << (s) | (x) >> (32 - (s)))
  for (int b = 0; b < blocks; b++) { u32 w[80]; for (int i = 0; i < 16; i++) { u8 *q = m + b * 64 + i * 4; w[i] = (u32)q[0] << 24 | q[1] << 16 | q[2] << 8 | q[3]; }
    for (int i = 16; i < 80; i++) w[i] = ROL(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    u32 A = h[0], B = h[1], C = h[2], D = h[3], E = h[4];
    for (int i = 0; i < 80; i++) { u32 f, k; if (i < 20) f = (B & C) | (~B & D), k = 0x5A827999; else if (i < 40) f = B ^ C ^ D, k = 0x6ED9EBA1; else if (i < 60) f = (B & C) | (B & D) | (C & D), k = 0x8F1BBCDC; else f = B ^ C ^ D, k = 0xCA62C1D6;
      u32 t = ROL(A, 5) + f + E + k + w[i]; E = D; D = C; C = ROL(B, 30); B = A; A = t; }
    h[0] += A; h[1] += B; h[2] += C; h[3] += D; h[4] += E; }
  u8 g[21] = {0}; for (int i = 0; i < 20; i++) g[i] = h[i / 4] >> (24 - 8 * (i % 4));
  static const char *e = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"; int o = 0;
  for (int i = 0; i < 20; i += 3) { u32 v = g[i] << 16 | g[i + 1] << 8 | (i + 2 < 20 ? g[i + 2] : 0); out[o++] = e[v >> 18]; out[o++] = e[v >> 12 & 63]; out[o++] = e[v >> 6 & 63]; out[o++] = i + 2 < 20 ? e[v & 63] : '='; }
  out[o] = 0;
}
static int sread(sc *c) {
  static u8 b[1 << 18]; int n = recv(c->fd, b, sizeof b, 0); if (n < 0) return errno == EAGAIN ? 0 : -1; if (!n) return -1;
  if (c->st == S_HTTP) {
    c->http = realloc(c->http, c->httpn + n + 1); memcpy(c->http + c->httpn, b, n); c->httpn += n; c->http[c->httpn] = 0;
    char *e = strstr(c->http, "\r\n\r\n"); if (!e) return c->httpn > 16384 ? -1 : 0;
    char *k = strcasestr(c->http, "sec-websocket-key:"), key[64] = "", acc[40]; if (k) sscanf(k + 18, " %60[^\r ]", key);
    accept_key(key, acc); char r[256]; int bin = strcasestr(c->http, "sec-websocket-protocol:") != 0;
    int l = sprintf(r, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n", acc, bin ? "Sec-WebSocket-Protocol: binary\r\n" : "");
    memcpy(c->ob, r, l); c->on = l; c->st = S_VER; sput(c, "RFB 003.008\n", 12); free(c->http); c->http = 0; return sflush(c);
  }
  if (!ws_mode) { if (sdata(c, b, n)) return -1; return sflush(c); }
  for (int i = 0; i < n;) {
    if (c->d.hn >= 0) { i += wshdr(&c->d, b + i, n - i); if (c->d.hn >= 0) break; }
    int k = c->d.left < (u64)(n - i) ? (int)c->d.left : n - i; if (c->d.masked) for (int j = 0; j < k; j++) b[i + j] ^= c->d.mk[c->d.mo++ & 3];
    if (c->d.op == 8) return -1; if (c->d.op < 3 && sdata(c, b + i, k)) return -1;
    c->d.left -= k; i += k; if (!c->d.left) c->d.hn = 0;
  }
  return sflush(c);
}
static void serve(int port) {
  mkpat(); int ls = lsock(port); ep = epoll_create1(0); struct epoll_event e = {.events = EPOLLIN, .data.ptr = 0}, ev[512]; epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
  printf("ready %d\n", port); fflush(stdout);
  for (;;) {
    int n = epoll_wait(ep, ev, 512, npaced ? 1 : 1000);
    for (int i = 0; i < n; i++) {
      sc *c = ev[i].data.ptr;
      if (!c) { for (int q = 0; q < 64; q++) { int fd = accept4(ls, 0, 0, SOCK_NONBLOCK); if (fd < 0) break; nodelay(fd); c = calloc(1, sizeof *c); c->fd = fd; c->st = ws_mode ? S_HTTP : S_VER;
          struct epoll_event x = {.events = EPOLLIN, .data.ptr = c}; epoll_ctl(ep, EPOLL_CTL_ADD, fd, &x); if (!ws_mode) { sput(c, "RFB 003.008\n", 12); if (sflush(c)) sclose(c); } } continue; }
      int bad = 0; if (ev[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) bad = sread(c);
      if (!bad && (ev[i].events & EPOLLOUT)) bad = spump(c);
      if (bad) sclose(c);
    }
    if (npaced) { u64 t = now(); for (int i = 0; i < npaced; i++) { sc *c = paced[i]; if (t >= c->due) { c->due += c->period * 1000000ull; if (c->due < t) c->due = t; c->bulk = 1; if (!c->wout && spump(c)) { sclose(c); i--; } } } }
  }
}
/* =============================== relay ================================
 * The physical limit: a raw TCP forwarder in C, by kernel splice or (--copy) by one recv + one send. No framing. */
typedef struct rc { int fd, pp[2]; size_t in, off; u8 *b; struct rc *o; int dead, wout, rd; } rc;
static void rarm(rc *c) { struct epoll_event e = {.events = (c->rd ? EPOLLIN : 0) | (c->wout ? EPOLLOUT : 0), .data.ptr = c}; epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e); }
static int rmove(rc *c, int copy) {            /* c readable -> c->o */
  static u8 *buf; if (!buf) buf = malloc(512 << 10);
  if (!c->in) {
    ssize_t n = copy ? recv(c->fd, buf, 512 << 10, 0) : splice(c->fd, 0, c->pp[1], 0, 1 << 20, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1;
    c->in = n; c->off = 0;
    if (copy) { ssize_t k = send(c->o->fd, buf, n, MSG_NOSIGNAL); if (k < 0) { if (errno != EAGAIN) return -1; k = 0; } c->in -= k; if (c->in) { c->b = malloc(c->in); memcpy(c->b, buf + k, c->in); } }
  } else if (copy) { ssize_t k = send(c->o->fd, c->b + c->off, c->in, MSG_NOSIGNAL); if (k < 0) return errno == EAGAIN ? 0 : -1; c->off += k; c->in -= k; if (!c->in) { free(c->b); c->b = 0; } }
  if (!copy && c->in) { ssize_t k = splice(c->pp[0], 0, c->o->fd, 0, c->in, SPLICE_F_MOVE | SPLICE_F_NONBLOCK); if (k < 0) { if (errno != EAGAIN) return -1; k = 0; } c->in -= k; }
  int full = c->in > 0; if (c->rd == full) { c->rd = !full; rarm(c); } if (c->o->wout != full) { c->o->wout = full; rarm(c->o); }
  return 0;
}
static void relay(int port, int target, int copy) {
  int ls = lsock(port); ep = epoll_create1(0); struct epoll_event e = {.events = EPOLLIN, .data.ptr = 0}, ev[256]; epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e); printf("ready %d\n", port); fflush(stdout);
  for (;;) { int n = epoll_wait(ep, ev, 256, -1); rc *dead[512]; int nd = 0;
    for (int i = 0; i < n; i++) { rc *c = ev[i].data.ptr;
      if (!c) { int a = accept4(ls, 0, 0, SOCK_NONBLOCK); if (a < 0) continue; int t = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in s = {.sin_family = AF_INET, .sin_port = htons(target), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        if (connect(t, (void *)&s, sizeof s)) { close(a); close(t); continue; } fcntl(t, F_SETFL, O_NONBLOCK); rc *x = calloc(1, sizeof *x), *y = calloc(1, sizeof *y); x->fd = a; y->fd = t; x->o = y; y->o = x;
        for (int k = 0; k < 2; k++) { rc *z = k ? y : x; nodelay(z->fd); z->rd = 1; if (!copy) { if (pipe2(z->pp, O_NONBLOCK)) die("pipe"); fcntl(z->pp[1], F_SETPIPE_SZ, k ? 1 << 20 : 65536); } struct epoll_event q = {.events = EPOLLIN, .data.ptr = z}; epoll_ctl(ep, EPOLL_CTL_ADD, z->fd, &q); } continue; }
      int bad = c->dead; if (!bad && (ev[i].events & EPOLLOUT) && c->o->in) bad = rmove(c->o, copy); if (!bad && (ev[i].events & ~EPOLLOUT) && c->rd) bad = rmove(c, copy);
      if (bad && !c->dead) { c->dead = c->o->dead = 1; rc *z[2] = {c, c->o}; for (int k = 0; k < 2; k++) { close(z[k]->fd); if (!copy) close(z[k]->pp[0]), close(z[k]->pp[1]); dead[nd++] = z[k]; } } }
    for (int i = 0; i < nd; i++) free(dead[i]->b), free(dead[i]); }
}
/* =============================== client =============================== */
enum { C_CONN, C_HTTP, C_VER, C_TYPES, C_CHAL, C_RES, C_INIT, C_RUN, C_DEAD };
enum { R_NONE, R_PING, R_BULK, R_BG, R_UP };
#define RING 64
typedef struct { int fd, st, role, tk, an; u8 ab[600]; wsd d; u64 rx, lastlen, t0, next, pos; u64 ts[RING]; u32 th, tt; int idx; u64 upleft; u8 *ub; int un, uo, wout; } cc;
static struct { const char *host, *path, *mode, *pw, *sub, *header; int port, conns, ring, bg, bgkib, bgms, chunk, inflight, nping; double secs, warm, hz; int pids[64], npid; } A = {.host = "127.0.0.1", .path = "/", .mode = "bulk", .pw = "", .sub = "binary", .header = "", .conns = 1, .chunk = 64, .secs = 3, .warm = 1, .hz = 20, .inflight = 16, .bgkib = 64, .bgms = 20};
static char **tpath, **tpw; static int ntk, usedtk; static int cep, nlive, nready, ndead; static cc **L; static u64 lagmax, errs;
static int pingmode_done; static double *lat; static size_t nlat, clat; static int verify, rec;
static void addlat(double v) { if (nlat == clat) lat = realloc(lat, (clat = clat ? clat * 2 : 65536) * sizeof *lat); lat[nlat++] = v; }
static int csend(cc *c, const u8 *p, int n) {   /* one masked binary frame, small */
  u8 b[1024]; int o = mkhdr(b, 2, n, 1); u32 k = rnd(); memcpy(b + o, &k, 4); u8 *m = b + o; o += 4; for (int i = 0; i < n; i++) b[o + i] = p[i] ^ m[i & 3];
  return send(c->fd, b, o + n, MSG_NOSIGNAL) == o + n ? 0 : -1;
}
static cc *copen(int role) {
  cc *c = calloc(1, sizeof *c); c->role = role; c->tk = -1; c->t0 = now(); c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); if (c->fd < 0) die("socket: %s", strerror(errno));
  nodelay(c->fd); struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(A.port)}; inet_pton(AF_INET, A.host, &a.sin_addr);
  if (connect(c->fd, (void *)&a, sizeof a) && errno != EINPROGRESS) die("connect: %s", strerror(errno));
  if (ntk) { if (usedtk >= ntk) die("out of tickets (%d)", ntk); c->tk = usedtk++; }
  struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c}; epoll_ctl(cep, EPOLL_CTL_ADD, c->fd, &e); nlive++; return c;
}
static void cclose(cc *c) { if (c->st == C_DEAD) return; if (c->fd >= 0) { struct linger l = {1, 0}; if (c->role == R_NONE) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof l); close(c->fd); } c->fd = -1; c->st = C_DEAD; nlive--; }
static void fbur(u8 *m, int inc, int x, int y) { memset(m, 0, 10); m[0] = 3; m[1] = inc; m[2] = x >> 8; m[3] = x; m[4] = y >> 8; m[5] = y; m[7] = m[9] = 1; }
static int cbegin(cc *c) { u8 m[10]; if (c->role == R_BULK) { fbur(m, 1, A.chunk, 0); return csend(c, m, 10); } if (c->role == R_BG) { fbur(m, 1, A.bgkib, A.bgms); return csend(c, m, 10); } return 0; }
static int capp(cc *c) {                        /* handshake bytes in c->ab */
  for (;;) { u8 *b = c->ab; int n = c->an, used = 0; const char *pw = c->tk >= 0 ? tpw[c->tk] : A.pw;
    switch (c->st) {
    case C_VER: if (n < 12) return 0; if (memcmp(b, "RFB 003.", 8)) return -1; if (csend(c, (u8 *)"RFB 003.008\n", 12)) return -1; used = 12; c->st = C_TYPES; break;
    case C_TYPES: { if (n < 1 || n < 1 + b[0]) return 0; if (!b[0]) return -1; int two = memchr(b + 1, 2, b[0]) != 0; used = 1 + b[0]; u8 s = two ? 2 : 1; if (csend(c, &s, 1)) return -1; c->st = two ? C_CHAL : C_RES; break; }
    case C_CHAL: { if (n < 16) return 0; u8 r[16]; vncauth(pw, b, r); if (csend(c, r, 16)) return -1; used = 16; c->st = C_RES; break; }
    case C_RES: if (n < 4) return 0; if (b[0] | b[1] | b[2] | b[3]) return -1; used = 4; if (csend(c, (u8 *)"\1", 1)) return -1; c->st = C_INIT; break;
    case C_INIT: { if (n < 24) return 0; u32 l = b[20] << 24 | b[21] << 16 | b[22] << 8 | b[23]; if (l > 500) return -1; if (n < (int)(24 + l)) return 0; used = 24 + l; c->st = C_RUN; nready++;
        memmove(b, b + used, n - used); c->an = n - used; if (rec == 2) addlat((now() - c->t0) / 1e3); return cbegin(c); }
    default: return 0; }
    memmove(b, b + used, n - used); c->an = n - used; }
}
static int cpay(cc *c, const u8 *p, int n) {    /* payload bytes */
  if (c->st < C_RUN) { if (c->an + n > (int)sizeof c->ab) return -1; memcpy(c->ab + c->an, p, n); c->an += n; return capp(c); }
  if (c->role == R_PING || c->role == R_UP) { u64 before = c->rx / 20; c->rx += n; u64 k = c->rx / 20 - before, t = now(); while (k-- && c->th != c->tt) { if (rec == 1) addlat((t - c->ts[c->th % RING]) / 1e3); c->th++; } pingmode_done++; return 0; }
  if (verify && c->role == R_BULK) for (int i = 0; i < n; i++) if (p[i] != pat[(c->pos + i) % PAT]) { errs++; die("pattern mismatch at byte %llu", (unsigned long long)(c->pos + i)); }
  c->pos += n; c->rx += n; return 0;
}
static int cread(cc *c) {
  static u8 b[1 << 18];
  if (c->st == C_HTTP) { int n = recv(c->fd, b, sizeof b - 1, MSG_PEEK); if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1; b[n] = 0; char *e = strstr((char *)b, "\r\n\r\n"); if (!e) return 0;
    if (memcmp(b, "HTTP/1.1 101", 12)) { if (!errs++) fprintf(stderr, "http: %.60s\n", (char *)b); return -1; } if (recv(c->fd, b, (u8 *)e + 4 - b, 0) < 0) return -1; c->st = C_VER; return 0; }
  for (int it = 0; it < 16; it++) {
    if (c->d.hn < 0 && c->d.left > 32768 && !verify && c->st == C_RUN) { ssize_t n = recv(c->fd, 0, c->d.left, MSG_TRUNC); if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1; c->d.left -= n; c->rx += n; c->pos += n; if (!c->d.left) c->d.hn = 0; continue; }
    int want = c->lastlen > 32768 && c->d.hn >= 0 && !verify ? 16 : (int)sizeof b, n = recv(c->fd, b, want, 0); if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1;
    for (int i = 0; i < n || (c->d.hn < 0 && !c->d.left);) {
      if (c->d.hn >= 0) { i += wshdr(&c->d, b + i, n - i); if (c->d.hn >= 0) break; c->lastlen = c->d.left; }
      int k = c->d.left < (u64)(n - i) ? (int)c->d.left : n - i;
      if (c->d.op == 8) return -1;
      if (c->d.op < 3) { if (cpay(c, b + i, k)) return -1; } else if (c->d.op == 9 && k < 126) { u8 f[140] = {0x8a, 128 | k}; memcpy(f + 6, b + i, k); send(c->fd, f, 6 + k, MSG_NOSIGNAL); }
      c->d.left -= k; i += k; if (!c->d.left) c->d.hn = 0;
    }
    if (n < want) return 0;
  }
  return 0;
}
static int cup(cc *c) {                         /* upload: masked 64 KiB frames, mask applied once (same key) */
  for (int it = 0; it < 8; it++) {
    if (c->uo == c->un) { if (rec != 1) { } c->uo = 0; }
    int n = send(c->fd, c->ub + c->uo, c->un - c->uo, MSG_NOSIGNAL); if (n < 0) return errno == EAGAIN ? 0 : -1; c->uo += n; c->rx += n;
  }
  return 0;
}
static int cevent(cc *c, u32 ev) {
  if (c->st == C_CONN && (ev & EPOLLOUT)) {
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c}; epoll_ctl(cep, EPOLL_CTL_MOD, c->fd, &e); char r[2048];
    u8 kb[16]; char k64[40]; for (int i = 0; i < 16; i++) kb[i] = rnd(); static const char *B = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"; int o = 0;
    for (int i = 0; i < 16; i += 3) { u32 v = kb[i] << 16 | (i + 1 < 16 ? kb[i + 1] << 8 : 0) | (i + 2 < 16 ? kb[i + 2] : 0); k64[o++] = B[v >> 18]; k64[o++] = B[v >> 12 & 63]; k64[o++] = i + 1 < 16 ? B[v >> 6 & 63] : '='; k64[o++] = i + 2 < 16 ? B[v & 63] : '='; } k64[o] = 0;
    int n = snprintf(r, sizeof r, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nOrigin: http://%s:%d\r\n%s%s%s%s%s\r\n", c->tk >= 0 ? tpath[c->tk] : A.path, A.host, A.port, k64, A.host, A.port, *A.sub ? "Sec-WebSocket-Protocol: " : "", A.sub, *A.sub ? "\r\n" : "", A.header, *A.header ? "\r\n" : "");
    if (send(c->fd, r, n, MSG_NOSIGNAL) != n) return -1; c->st = C_HTTP; return 0;
  }
  if ((ev & EPOLLOUT) && c->role == R_UP && cup(c)) return -1;
  if (ev & (EPOLLIN | EPOLLERR | EPOLLHUP)) return cread(c);
  return 0;
}
static void cstep(int ms) { struct epoll_event ev[512]; int n = epoll_wait(cep, ev, 512, ms); for (int i = 0; i < n; i++) { cc *c = ev[i].data.ptr; if (c->st != C_DEAD && cevent(c, ev[i].events)) { if (c->role != R_NONE || c->st != C_RUN) ndead++; cclose(c); } } }
/* CPU ns, RSS and PSS (KiB) of a process tree */
static void ptree(int pid, u64 *cpu, u64 *rss, u64 *pss, int depth) {
  char p[300]; snprintf(p, sizeof p, "/proc/%d/task", pid); DIR *d = opendir(p); if (!d) return; struct dirent *e; int kids[4096], nk = 0;
  while ((e = readdir(d))) { if (e->d_name[0] == '.') continue; char q[600]; snprintf(q, sizeof q, "%s/%s/schedstat", p, e->d_name); FILE *f = fopen(q, "r"); unsigned long long v; if (f) { if (fscanf(f, "%llu", &v) == 1) *cpu += v; fclose(f); }
    snprintf(q, sizeof q, "%s/%s/children", p, e->d_name); f = fopen(q, "r"); if (f) { int k; while (nk < 4096 && fscanf(f, "%d", &k) == 1) kids[nk++] = k; fclose(f); } }
  closedir(d);
  if (!depth) { snprintf(p, sizeof p, "/proc/%d/stat", pid); FILE *f = fopen(p, "r"); char l[1024]; unsigned long cu, cs; if (f) { if (fgets(l, sizeof l, f)) { char *q = strrchr(l, ')'); if (q && sscanf(q + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %lu %lu", &cu, &cs) == 2) *cpu += (cu + cs) * (1000000000ull / sysconf(_SC_CLK_TCK)); } fclose(f); } }  /* children already reaped (forking proxies) */
  if (rss) { snprintf(p, sizeof p, "/proc/%d/smaps_rollup", pid); FILE *f = fopen(p, "r"); char l[256]; unsigned long long v; if (f) { while (fgets(l, sizeof l, f)) { if (sscanf(l, "Rss: %llu", &v) == 1) *rss += v; if (sscanf(l, "Pss: %llu", &v) == 1) *pss += v; } fclose(f); } }
  if (depth < 6) for (int i = 0; i < nk; i++) ptree(kids[i], cpu, rss, pss, depth + 1);
}
static void meas(u64 *cpu, u64 *rss, u64 *pss) { *cpu = 0; if (rss) *rss = *pss = 0; for (int i = 0; i < A.npid; i++) ptree(A.pids[i], cpu, rss, pss, 0); }
static int dcmp(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return x < y ? -1 : x > y; }
static double pct(double q) { if (!nlat) return 0; size_t i = (size_t)(q * (nlat - 1) + .5); return lat[i]; }
static void plat(void) { qsort(lat, nlat, sizeof *lat, dcmp); printf(",\"n\":%zu,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f", nlat, pct(.5), pct(.9), pct(.99), pct(.999), pct(1)); }
static void selfcpu(void) { struct rusage r; getrusage(RUSAGE_SELF, &r); printf(",\"client_cpu_s\":%.3f", r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6); }
static void openall(int n, int role) { int base = nready, opened = 0; u64 dl = now() + 60000000000ull; int d0 = ndead;
  while (nready - base < n) { while (opened < n && opened - (nready - base) < A.inflight) { L[nlive] = copen(role); opened++; } cstep(100); if (ndead > d0) die("{\"error\":\"%d connections failed in handshake\"}", ndead - d0); if (now() > dl) die("{\"error\":\"timeout opening: %d of %d ready\"}", nready - base, n); } }
static int load(void) {
  mkpat(); cep = epoll_create1(0); L = calloc(100000, sizeof *L); verify = !strcmp(A.mode, "verify"); u64 c0, c1, r0, r1, s0, s1;
  int ping = !strcmp(A.mode, "ping"), mix = !strcmp(A.mode, "mix");
  printf("{\"mode\":\"%s\",\"conns\":%d", A.mode, A.conns);
  if (!strcmp(A.mode, "bulk") || verify) {
    openall(A.conns, R_BULK); u64 t = now(), w = t + (u64)(A.warm * 1e9); while (now() < w) cstep(10); u64 b0 = 0, b1 = 0, mn = -1, mx = 0, st[100000]; (void)mx;
    for (int i = 0; i < nlive; i++) { b0 += L[i]->rx; st[i] = L[i]->rx; } meas(&c0, 0, 0); t = now(); w = t + (u64)(A.secs * 1e9); while (now() < w) { cstep(10); if (ndead) die("connection lost"); }
    double el = (now() - t) / 1e9; meas(&c1, 0, 0); for (int i = 0; i < nlive; i++) { b1 += L[i]->rx; u64 g = L[i]->rx - st[i]; if (g < mn) mn = g; if (g > mx) mx = g; }
    double gb = (b1 - b0) / 1e9; printf(",\"chunk_kib\":%d,\"MBps\":%.1f,\"cpu_s\":%.3f,\"cpu_s_per_GB\":%.4f,\"cpu_util\":%.2f,\"conn_min_max\":[%.1f,%.1f]", A.chunk, gb * 1e3 / el, (c1 - c0) / 1e9, gb ? (c1 - c0) / 1e9 / gb : 0, (c1 - c0) / 1e9 / el, mn / 1e6 / el, mx / 1e6 / el);
    if (verify) printf(",\"verified_bytes\":%llu", (unsigned long long)b1);
  } else if (ping || mix) {
    int np = A.conns; openall(np, R_PING); if (A.bg) openall(A.bg, mix ? R_BULK : R_BG);
    u64 per = 1e9 / A.hz, t = now() + 50000000, end = t + (u64)((A.warm + A.secs) * 1e9), mst = t + (u64)(A.warm * 1e9); for (int i = 0; i < np; i++) L[i]->next = t + per * i / np + (u64)(rnd() % (per / np + 1));
    /* sort by next is implicit: round robin order */ int cur = 0; u64 b0 = 0, b1 = 0, sent = 0, drop = 0; c0 = 0; int started = 0; u64 bs = 0, mt0 = 0;
    while ((t = now()) < end) { if (!started && t >= mst) { started = 1; rec = 1; meas(&c0, 0, 0); mt0 = now(); for (int i = np; i < nlive; i++) b0 += L[i]->rx; bs = 0; }
      while (L[cur]->next <= t) { cc *c = L[cur]; if (t - c->next > lagmax && started) lagmax = t - c->next; if (c->tt - c->th < RING) { u8 m[10]; fbur(m, 0, 0, 0); c->ts[c->tt++ % RING] = now(); if (csend(c, m, 10)) die("ping send failed"); if (started) sent++; } else drop++; c->next += per; if (++cur == np) cur = 0; }
      u64 nx = L[cur]->next; t = now(); struct timespec ts = {0, nx > t ? (nx - t > 5000000 ? 5000000 : nx - t) : 0}; struct epoll_event ev[512]; int n = epoll_pwait2(cep, ev, 512, &ts, 0); for (int i = 0; i < n; i++) { cc *c = ev[i].data.ptr; if (cevent(c, ev[i].events)) die("connection lost"); } }
    rec = 0; meas(&c1, 0, 0); double el = (now() - mt0) / 1e9; for (int i = np; i < nlive; i++) b1 += L[i]->rx; (void)bs;
    printf(",\"hz\":%.0f,\"bg\":%d,\"sent\":%llu,\"dropped\":%llu,\"lag_max_us\":%.0f,\"bg_MBps\":%.1f,\"cpu_s\":%.3f,\"cpu_us_per_msg\":%.2f", A.hz, A.bg, (unsigned long long)sent, (unsigned long long)drop, lagmax / 1e3, (b1 - b0) / 1e6 / el, (c1 - c0) / 1e9, sent ? (c1 - c0) / 1e3 / sent : 0); plat();
  } else if (!strcmp(A.mode, "idle")) {
    meas(&c0, &r0, &s0); openall(A.conns, R_NONE); u64 w = now() + (u64)(A.secs * 1e9); while (now() < w) cstep(50); u64 ca; meas(&ca, &r1, &s1); w = now() + 2000000000ull; while (now() < w) cstep(50); meas(&c1, 0, 0);
    printf(",\"rss_before_kib\":%llu,\"rss_after_kib\":%llu,\"rss_kib_per_conn\":%.2f,\"pss_kib_per_conn\":%.2f,\"idle_cpu_pct\":%.2f,\"lost\":%d", (unsigned long long)r0, (unsigned long long)r1, ((double)r1 - r0) / A.conns, ((double)s1 - s0) / A.conns, (c1 - ca) / 2e7, ndead);
  } else if (!strcmp(A.mode, "rate")) {
    int cap = A.inflight; cc **S = calloc(cap, sizeof *S); rec = 0; u64 t = now(), mst = t + (u64)(A.warm * 1e9), end = mst + (u64)(A.secs * 1e9), done = 0, fail = 0; int started = 0; u64 mt = t; c0 = 0;
    for (int i = 0; i < cap; i++) S[i] = copen(R_NONE);
    while ((t = now()) < end) { if (!started && t >= mst) { started = 1; rec = 2; done = fail = 0; nready = 0; mt = now(); meas(&c0, 0, 0); } cstep(10);
      for (int i = 0; i < cap; i++) { cc *c = S[i]; if (c->st == C_RUN || c->st == C_DEAD) { if (c->st == C_RUN) done++; else fail++; cclose(c); free(c); if (ntk && usedtk >= ntk) end = 0; else S[i] = copen(R_NONE); if (!end) break; } } if (!end) break; }
    double el = (now() - mt) / 1e9; meas(&c1, 0, 0); printf(",\"inflight\":%d,\"per_s\":%.1f,\"failed\":%llu,\"cpu_s\":%.3f,\"cpu_us_per_conn\":%.1f", cap, done / el, (unsigned long long)fail, (c1 - c0) / 1e9, done ? (c1 - c0) / 1e3 / done : 0); plat();
  } else if (!strcmp(A.mode, "upload")) {
    openall(A.conns, R_UP); int fr = A.chunk << 10;
    for (int i = 0; i < nlive; i++) { cc *c = L[i]; u8 m[8] = {6, 0, 0, 0, 255, 255, 255, 255}; csend(c, m, 8); c->ub = malloc(fr + 14); c->un = mkhdr(c->ub, 2, fr, 1); u32 k = rnd() | 1; memcpy(c->ub + c->un, &k, 4); u8 *mk = c->ub + c->un; c->un += 4; for (int j = 0; j < fr; j++) c->ub[c->un + j] = mk[j & 3]; c->un += fr; c->uo = 0; c->rx = 0;
      struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = c}; epoll_ctl(cep, EPOLL_CTL_MOD, c->fd, &e); }
    u64 t = now(), w = t + (u64)(A.warm * 1e9); while (now() < w) cstep(10); u64 b0 = 0, b1 = 0; for (int i = 0; i < nlive; i++) b0 += L[i]->rx; meas(&c0, 0, 0); t = now(); w = t + (u64)(A.secs * 1e9); while (now() < w) { cstep(10); if (ndead) die("connection lost"); }
    double el = (now() - t) / 1e9; meas(&c1, 0, 0); for (int i = 0; i < nlive; i++) b1 += L[i]->rx; double gb = (b1 - b0) / 1e9; printf(",\"chunk_kib\":%d,\"MBps\":%.1f,\"cpu_s_per_GB\":%.4f,\"cpu_util\":%.2f", A.chunk, gb * 1e3 / el, (c1 - c0) / 1e9 / gb, (c1 - c0) / 1e9 / el);
  } else die("mode?");
  selfcpu(); printf("}\n"); fflush(stdout); _exit(0);
}
int main(int ac, char **av) {
  struct rlimit rl; getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl); rs ^= now(); rnd();
  signal(SIGPIPE, SIG_IGN); if (ac < 2) die("wsb serve|load"); int port = 0, target = 0, copyflag = 0;
  for (int i = 2; i < ac; i++) { char *o = av[i]; if (!strcmp(o, "--ws")) { ws_mode = 1; continue; } if (!strcmp(o, "--copy")) { copyflag = 1; continue; } if (i + 1 >= ac) die("value for %s?", o); char *v = av[++i];
#define O(n) else if (!strcmp(o, "--" n))
    if (!strcmp(o, "--port")) A.port = port = atoi(v); O("secret") secret = v; O("target") target = atoi(v); O("host") A.host = v; O("path") A.path = v; O("mode") A.mode = v; O("password") A.pw = v; O("subprotocol") A.sub = v; O("header") A.header = v; O("conns") A.conns = atoi(v); O("chunk") A.chunk = atoi(v); O("secs") A.secs = atof(v); O("warm") A.warm = atof(v); O("hz") A.hz = atof(v); O("bg") A.bg = atoi(v); O("bgkib") A.bgkib = atoi(v); O("bgms") A.bgms = atoi(v); O("inflight") A.inflight = atoi(v);
    O("pids") { for (char *q = strtok(v, ","); q; q = strtok(0, ",")) A.pids[A.npid++] = atoi(q); }
    O("tickets") { FILE *f = fopen(v, "r"); if (!f) die("tickets"); char p[1024], w[256]; int cap = 0; while (fscanf(f, "%1023s %255s", p, w) == 2) { if (ntk == cap) { cap = cap ? cap * 2 : 1024; tpath = realloc(tpath, cap * 8); tpw = realloc(tpw, cap * 8); } tpath[ntk] = strdup(p); tpw[ntk++] = strdup(w); } fclose(f); }
    else die("unknown option %s", o);
  }
  if (!strcmp(av[1], "serve")) serve(port);
  if (!strcmp(av[1], "relay")) relay(port, target, copyflag);
  if (!strcmp(av[1], "load")) return load();
  if (!strcmp(av[1], "des")) { u8 o[16]; vncauth(A.pw, (const u8 *)"0123456789abcdef", o); for (int i = 0; i < 16; i++) printf("%02x", o[i]); puts(""); return 0; }
  die("wsb serve|load"); return 2;
}
