"""Sets up the first user of a console by its link, and agrees to letters in an incident's room."""

import http.cookiejar
import sys
import urllib.parse
import urllib.request

link, incident, letters = sys.argv[1:]
address = urllib.parse.urlsplit(link)
base = f"{address.scheme}://{address.netloc}"
token = urllib.parse.parse_qs(address.query)["token"][0]
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def post(path, **fields):
    data = urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(base + path, data=data, headers={"Origin": base})
    with browser.open(request, timeout=30) as answer:
        return answer.read().decode()


password = "four plain words here"
post("/setup", token=token, name="Ada", password=password, again=password)
room = post(f"/incidents/{incident}", what="letters-agree", letters=letters)
print("agreed" if "agreed to by" in room else room)
