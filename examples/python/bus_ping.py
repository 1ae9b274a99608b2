#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: 2026 The Tachyon authors
"""Two processes send a number back and forth: listen, connect, send, receive.

    ./bus_ping.py
"""

import os
import struct
import sys

import tachyon

PINGS = 10000
TYPE_PING = 1
TYPE_PONG = 2
TIMEOUT = 5.0

NUMBER = struct.Struct("Q")


def receive_number(bus, type_id):
    message = bus.recv(timeout=TIMEOUT)
    if message.type_id != type_id or len(message) != NUMBER.size:
        raise ValueError(f"not what was expected: type {message.type_id}")
    return NUMBER.unpack(message.data)[0]


def pong(address):
    """Answers each number with the next one."""
    with tachyon.Bus.connect(address, timeout=TIMEOUT) as bus:
        for _ in range(PINGS):
            number = receive_number(bus, TYPE_PING)
            bus.send(NUMBER.pack(number + 1), TYPE_PONG, timeout=TIMEOUT)


def ping(address):
    number = 0
    with tachyon.Bus.listen(address, timeout=TIMEOUT) as bus:
        for _ in range(PINGS):
            bus.send(NUMBER.pack(number), TYPE_PING, timeout=TIMEOUT)
            number = receive_number(bus, TYPE_PONG)
    if number != PINGS:
        raise ValueError(f"{number} is not {PINGS}")
    print(f"{PINGS} pings, {PINGS} pongs")


def main():
    address = f"@tachyon-bus-ping-{os.getpid()}"
    child = os.fork()
    if child == 0:
        pong(address)
        return 0
    try:
        ping(address)
    finally:
        status = os.waitpid(child, 0)[1]
    return int(status != 0)


if __name__ == "__main__":
    sys.exit(main())
