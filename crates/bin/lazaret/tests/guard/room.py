"""Sets up the first user of a console by its link, and does in an incident's room what is asked: room.py LINK INCIDENT FORM…

Each form is a JSON object. The room is printed at the end; an error page ends it.
"""

import http.cookiejar
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

link, incident, *forms = sys.argv[1:]
address = urllib.parse.urlsplit(link)
base = f"{address.scheme}://{address.netloc}"
token = urllib.parse.parse_qs(address.query)["token"][0]
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def post(path, fields):
    data = urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(base + path, data=data, headers={"Origin": base})
    try:
        with browser.open(request, timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return f"refused: {error.read().decode()}"


password = "four plain words here"
page = post("/setup", {"token": token, "name": "Ada", "password": password, "again": password})
for form in forms:
    page = post(f"/incidents/{incident}", json.loads(form))
    if page.startswith("refused: "):
        break
print(page)
