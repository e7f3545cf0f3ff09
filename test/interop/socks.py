"""A SOCKS5 server on loopback that leads everything to a tgfleet dc.

TDLib connects to the addresses compiled into it until it has been told others;
where those lead is decided here.
"""
import socket
import sys
import threading

# Of Telegram's data centres, by number.
TELEGRAM = {
    "149.154.175.50": 1, "2001:b28:f23d:f001::a": 1,
    "149.154.167.51": 2, "95.161.76.100": 2, "2001:67c:4e8:f002::a": 2,
    "149.154.175.100": 3, "2001:b28:f23d:f003::a": 3,
    "149.154.167.91": 4, "2001:67c:4e8:f004::a": 4,
    "149.154.171.5": 5, "2001:b28:f23f:f005::a": 5,
}


def read(s, count):
    data = b""
    while len(data) < count:
        more = s.recv(count - len(data))
        if not more:
            raise ConnectionError("ended in the greeting")
        data += more
    return data


def target(s):
    """No authentication; CONNECT to an IPv4 or IPv6 address."""
    read(s, read(s, 2)[1])
    s.sendall(b"\5\0")
    version, command, _, family = read(s, 4)
    if version != 5 or command != 1 or family not in (1, 4):
        raise ConnectionError("not a CONNECT to an address")
    ip = (socket.inet_ntop(socket.AF_INET, read(s, 4)) if family == 1 else
          socket.inet_ntop(socket.AF_INET6, read(s, 16)))
    return ip, int.from_bytes(read(s, 2), "big")


def copy(a, b):
    try:
        while data := a.recv(1 << 16):
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve_one(s, dcs):
    with s:
        try:
            asked = target(s)
            at = dcs.get(TELEGRAM.get(asked[0]))
            if asked not in dcs.values() and not at:
                raise ConnectionError(f"no data centre is at {asked}")
            there = socket.create_connection(at or asked)
        except OSError as e:
            print(f"socks: {e}", file=sys.stderr)
            return
        with there:
            s.sendall(b"\5\0\0\1" + bytes(6))
            back = threading.Thread(target=copy, args=(there, s))
            back.start()
            copy(s, there)
            back.join()


def start(env):
    """Returns its port."""
    dcs = {d["id"]: (d["address"], d["port"]) for d in env["dcs"]}
    listener = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            s, _ = listener.accept()
            threading.Thread(target=serve_one, args=(s, dcs),
                             daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]
