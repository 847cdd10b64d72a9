"""Logs in to the console through a real OpenID provider, as a browser does, with and without a GA4GH passport.

Arguments: the console, the provider, S3, an access key of ada's and one of the writer's as JSON.
"""

import http.cookiejar
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONSOLE, PROVIDER, S3 = sys.argv[1:4]
ADA, WRITER = json.loads(sys.argv[4]), json.loads(sys.argv[5])
DATASET = "https://example.org/datasets/710"


class Browser:
    def __init__(self):
        self.jar = http.cookiejar.CookieJar()

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar), Stay)

    def get(self, address):
        """Status, address to go on to, text."""
        try:
            answer = self.opener.open(address, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        to = answer.headers.get("location")
        return answer.status, to and urllib.parse.urljoin(address, to), answer.read().decode()

    def follow(self, address, until):
        """Follows redirects up to an address that begins with `until`."""
        for _ in range(12):
            if address.startswith(until):
                return address
            status, to, text = self.get(address)
            assert to, (status, address, text)
            address = to
        raise AssertionError("redirects without end")

    def cookie(self, name):
        return next((cookie for cookie in self.jar if cookie.name == name), None)

    def begin(self):
        """Away to the provider and back: the address that it sends people back to."""
        return self.follow(f"{CONSOLE}/login/with/0?next=%2Fobjects", f"{CONSOLE}/login/back")


def person(**person):
    body = json.dumps(person).encode()
    urllib.request.urlopen(urllib.request.Request(f"{PROVIDER}/person", data=body), timeout=30).read()


def client(key):
    return boto3.client(
        "s3", endpoint_url=S3, aws_access_key_id=key["access_key_id"], aws_secret_access_key=key["secret_access_key"],
        region_name="us-east-1", config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def reads():
    try:
        return client(ADA).get_object(Bucket="onc-9", Key="note.txt")["Body"].read() == b"reads"
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied", error
        return False


def log_in(**whoever):
    person(**whoever)
    browser = Browser()
    status, _, text = browser.get(browser.begin())
    return browser, status, text


def main():
    client(WRITER).put_object(Bucket="onc-9", Key="note.txt", Body=b"reads")
    page = Browser().get(f"{CONSOLE}/login?next=%2Fobjects")[2]
    assert "Log in with Example &#38; Co" in page or "Log in with Example &amp; Co" in page, page
    away = Browser().get(f"{CONSOLE}/login/with/0")[1]
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(away).query))
    assert asked["code_challenge_method"] == "S256" and len(asked["state"]) == 43 and len(asked["nonce"]) == 43, asked

    browser, status, text = log_in(sub="stranger")
    assert status == 403 and "not known here" in text and PROVIDER in text and "stranger" in text, (status, text)
    assert browser.cookie("lazaret_session") is None
    _, status, text = log_in(sub="ada", refuses=True)
    assert status == 400 and "did not log you in" in text, (status, text)

    person(sub="ada")
    browser = Browser()
    back = browser.begin()
    status, _, text = Browser().get(back)
    assert status == 400 and "not begun in this browser" in text, "another browser must not take a log-in over"
    status, _, text = browser.get(back)
    assert status == 400, "and it was used up by the attempt"
    back = browser.begin()
    status, _, text = browser.get(back.replace("state=", "state=x"))
    assert status == 400, text
    status, _, text = browser.get(back)
    assert status == 200 and 'content="0;url=/objects"' in text, (status, text)
    assert browser.cookie("lazaret_session") and not browser.cookie("lazaret_login"), list(browser.jar)
    status, _, text = browser.get(f"{CONSOLE}/objects")
    assert status == 200 and "<strong>ada</strong>" in text and "reader" in text, text
    status, _, text = browser.get(f"{CONSOLE}/security")
    assert status == 200 and "oidc" in text, text
    assert browser.get(f"{CONSOLE}/users")[0] == 403, "the settings made a reader"
    status, _, text = browser.get(back)
    assert status == 400, "a code is good once"

    assert not reads(), "nobody granted anything"
    now = int(time.time())
    for wrong in (
        {"value": DATASET, "key": "stranger"},
        {"value": DATASET, "sub": "somebody else"},
        {"value": DATASET, "iss": "https://stranger.example.org"},
        {"value": DATASET, "exp": now - 600},
        {"value": DATASET, "conditions": [[{"type": "AffiliationAndRole", "value": "const:faculty"}]]},
        {"value": DATASET, "source": "https://other.example.org"},
        {"value": DATASET, "type": "ResearcherStatus"},
        {"value": DATASET + "/x"},
    ):
        _, status, text = log_in(sub="ada", visas=[wrong])
        assert status == 200, (wrong, text)
        assert not reads(), wrong
    for _ in range(2):
        assert log_in(sub="ada", visas=[{"value": DATASET, "exp": now + 3000}])[1] == 200
        assert reads(), "the visa opens the study"
    assert log_in(sub="ada", visas=[])[1] == 200
    assert not reads(), "whose committee took the visa back reads no more"
    assert log_in(sub="ada", visas=[{"value": DATASET, "exp": int(time.time()) + 4}])[1] == 200
    assert reads()
    time.sleep(5)
    assert not reads(), "and never beyond the visa's end"
    print("all arrived")


main()
