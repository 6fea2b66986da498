"""imaplib keeps unsolicited responses until somebody asks for them. Proper use: response() after noop()."""

import imaplib
import socket
import sys
import threading

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def server(listener):
    conn, _ = listener.accept()
    f = conn.makefile("rb")
    conn.sendall(b"* OK ready\r\n")
    n = 0
    for line in f:
        tag, command = line.split()[:2]
        out = b""
        if command == b"CAPABILITY":
            out = b"* CAPABILITY IMAP4REV1\r\n"
        elif command == b"NOOP":
            for _ in range(6):
                n += 1
                out += b"* %d EXISTS\r\n* %d FETCH (FLAGS (\\Seen $label%d) UID %d)\r\n" % (
                    n,
                    n,
                    n,
                    n,
                )
        conn.sendall(out + tag + b" OK done\r\n")
        if command == b"LOGOUT":
            break
    conn.close()


listener = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=server, args=(listener,), daemon=True).start()


def poll(mailbox):
    mailbox.noop()
    if PROPER:
        kind, exists = mailbox.response("EXISTS")
        mailbox.response("FETCH")
        return int(exists[-1])
    return int(mailbox.untagged_responses["EXISTS"][-1])


mailbox = imaplib.IMAP4("127.0.0.1", listener.getsockname()[1])
mailbox.login("a", "b")
last = 0
for _ in range(int(10_000 * SIZE)):
    last = poll(mailbox)
print(last)
mailbox.logout()
