"""What schemathesis loads (SCHEMATHESIS_HOOKS): notes every answer, sends each idempotency key once, and, where a
person's sessions may end, signs in anew before each request whose token is no longer good.

EXPLORE_ANSWERS is the file that gets a line of JSON for each answer. EXPLORE_PERSON, where it is set, is
{"port", "email", "password"} of whoever signs in anew.
"""
import json
import os
import pathlib
import sys
import uuid

import schemathesis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from shop import Client  # noqa: E402

ANY_KEY = str(uuid.UUID(int=0))  # stands in the examples for a key that nobody used
ANY_SESSION = "a-session-of-mine"  # and this for one that has not ended
CHANGE_PASSWORD = "POST /api/identity/v1/password/change"
answers = open(os.environ["EXPLORE_ANSWERS"], "a", buffering=1)
keys_sent = 0


def operation_of(case):
    """With the method that is sent, which in some tests is none of the document's."""
    return "%s %s" % (case.method, case.operation.path)


@schemathesis.hook
def before_call(context, case, kwargs):
    global keys_sent
    if case.headers and case.headers.get("Idempotency-Key") == ANY_KEY:
        keys_sent += 1
        case.headers["Idempotency-Key"] = str(uuid.UUID(int=keys_sent << 64 | os.getpid()))
    if case.headers and case.headers.get("Authorization", "").removeprefix("Bearer ") in Renewed.issued:
        case.headers["Authorization"] = "Bearer " + Renewed.good_token()  # an earlier one may have ended since
        if case.path_parameters and case.path_parameters.get("id") == ANY_SESSION:
            case.path_parameters["id"] = Renewed.ask("GET", "/sessions").json["sessions"][0]["id"]


@schemathesis.hook
def after_call(context, case, response):
    try:
        code = response.json().get("code")
    except (ValueError, AttributeError):
        code = None
    if operation_of(case) == CHANGE_PASSWORD and response.status_code == 204:
        Renewed.password = case.body["new_password"]
    answers.write(json.dumps([operation_of(case), response.status_code, code]) + "\n")


class Renewed:
    """A token that is good when it is asked for."""
    person = json.loads(os.environ.get("EXPLORE_PERSON", "null"))
    password = person and person["password"]
    client = person and Client(person["port"])
    token, issued = "", set()

    @classmethod
    def ask(cls, method, path, body=None):
        return cls.client.ask(method, "/api/identity/v1" + path, body, {"Authorization": "Bearer " + cls.token})

    @classmethod
    def good_token(cls):
        if not cls.token or cls.ask("GET", "/me").status != 200:
            answer = cls.client.ask("POST", "/api/identity/v1/login",
                                    {"email": cls.person["email"], "password": cls.password})
            assert answer.status == 200, answer
            cls.token = answer.json["access_token"]
            cls.issued.add(cls.token)
        return cls.token

    def get(self, case, context):
        return self.good_token()

    def set(self, case, data, context):
        case.headers["Authorization"] = "Bearer " + data


if Renewed.person:
    schemathesis.auth(refresh_interval=None)(Renewed)
