"""A directory over the wire. Arguments: the console, the token, and `add`, or `off` with a user's id."""

import json
import sys
import urllib.error
import urllib.request

CONSOLE, TOKEN, WHAT = sys.argv[1:4]
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def ask(method, path, body=None, token=TOKEN):
    headers = {"authorization": f"Bearer {token}", "content-type": "application/scim+json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{CONSOLE}/scim/v2/{path}", data=data, headers=headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        answer = error
    assert answer.headers["content-type"] == "application/scim+json", answer.headers
    return answer.status, json.loads(answer.read())


if WHAT == "add":
    status, user = ask("POST", "Users", {"schemas": [USER], "userName": "rita", "externalId": "r-1"})
    assert status == 201, user
    assert ask("GET", "Users", token="wrong")[0] == 401
    print(user["id"])
else:
    off = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    status, user = ask("PATCH", f"Users/{sys.argv[4]}", off)
    assert (status, user["active"]) == (200, False), user
    print("off")
