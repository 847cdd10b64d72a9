"""A mail server that takes messages into a file, a JSON object a line. `gone…` is refused, `later…` is put off the first time.

mailbox.py PORT FILE DELAY [CERTIFICATE KEY USER PASSWORD]: with a certificate it wants STARTTLS and the user.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

port, path, delay, *secured = sys.argv[1:]
put_off = set()


class Mailbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return f"550 5.1.1 <{address}> is nobody here"
        if address.startswith("later") and address not in put_off:
            put_off.add(address)
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(float(delay))
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": message["subject"],
            "id": message["message-id"],
            "reply_to": message["reply-to"],
            "text": message.get_content().replace("\r\n", "\n"),
            "session": session.peer[1],
            "is_encrypted": session.ssl is not None,
        }
        with open(path, "a") as file:
            file.write(json.dumps(line) + "\n")
        return "250 2.0.0 taken"


def authenticated(server, session, envelope, mechanism, data):
    is_right = [data.login.decode(), data.password.decode()] == secured[2:]
    return AuthResult(success=is_right, handled=False)


def protocol():
    if not secured:
        return SMTP(Mailbox(), hostname="mail.internal")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(secured[0], secured[1])
    return SMTP(
        Mailbox(),
        hostname="mail.internal",
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticated,
    )


async def main():
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", int(port))
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
