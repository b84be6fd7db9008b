# SPDX-License-Identifier: Apache-2.0
"""Okta's SDK for Python, told what to do by lines of JSON on stdin; one line of JSON per answer."""
import asyncio
import json
import sys
import traceback

from okta.client import Client
from okta.models import UserFactorVerifyRequest
from okta.pagination import PaginationHelper

clients = {}
QUERY_NAMES = {"sortOrder": "sort_order", "sortBy": "sort_by"}  # where this SDK calls a parameter otherwise


async def make_client(command):
    settings = command["settings"]
    settings["rateLimit"] = {"maxRetries": settings.pop("retries", 2)}
    if settings.pop("dpop", False):
        settings["dpopEnabled"] = True
        clients[command["client"]] = dpop_client(settings)
    else:
        clients[command["client"]] = Client(settings)
    return {}


def dpop_client(settings):
    """Each of these makes a key of 3072 bits, which takes Python seconds: one for the same settings is used again."""
    known = repr(settings)
    if known not in clients:
        clients[known] = Client(settings)
    oauth = clients[known].get_request_executor()._oauth
    oauth.clear_access_token()
    oauth.get_dpop_generator().set_nonce(None)
    return clients[known]


def instant(of):
    return of.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (of.microsecond // 1000)


def event(of):
    return [of.uuid, of.event_type, instant(of.published), of.actor and of.actor.alternate_id,
            of.outcome and of.outcome.result, [target.id for target in of.target or []]]


def user(of):
    return [of.id, of.status, instant(of.created), of.profile.login, of.profile.email, of.profile.first_name,
            of.profile.last_name]


def error(of):
    """What a program that uses the SDK can see of a refusal."""
    headers = getattr(of, "headers", None) or getattr(of, "response_headers", None) or {}
    return {"error": {"kind": type(of).__name__, "status": getattr(of, "status", None),
                      "code": getattr(of, "error_code", None), "summary": getattr(of, "error_summary", None),
                      "causes": [cause["errorSummary"] for cause in getattr(of, "error_causes", [])],
                      "challenge": headers.get("WWW-Authenticate"), "text": str(of)}}


def refusal(response, failed):
    """The SDK takes an answer without a body for no error, and shows its status and headers only."""
    if failed:
        return error(failed)
    if response.status_code >= 300:
        return {"error": {"kind": "empty", "status": response.status_code, "code": None, "summary": None,
                          "causes": [], "challenge": response.headers.get("WWW-Authenticate")}}
    return None


async def pages(method, shown, query, want=None, interval=None):
    """Follows the next links; with `want`, waits for so many items at the end of what there is."""
    items, count = [], 0
    query = {QUERY_NAMES.get(name, name): value for name, value in query.items()}
    while True:
        data, response, failed = await method(**query)
        refused = refusal(response, failed)
        if refused:
            return refused
        count += 1
        items += map(shown, data)
        query["after"] = PaginationHelper.extract_next_cursor(response.headers)
        if not query["after"] or (want and len(items) >= want):
            return {"items": items, "pages": count}
        if want:
            query.pop("since", None)  # the cursor says it
            if not data:
                await asyncio.sleep(interval)


async def events(command):
    return await pages(clients[command["client"]].list_log_events, event, command["query"])


async def follow(command):
    return await pages(clients[command["client"]].list_log_events, event, command["query"], command["want"], 0.05)


async def users(command):
    return await pages(clients[command["client"]].list_users, user, command["query"])


async def get_user(command):
    data, response, failed = await clients[command["client"]].get_user(command["id"])
    return refusal(response, failed) or {"items": [user(data)], "pages": 1}


async def factors(command):
    data, response, failed = await clients[command["client"]].list_factors(command["id"])
    return refusal(response, failed) or {"items": [[f.id, f.factor_type, f.provider, f.status, instant(f.created)]
                                                   for f in data], "pages": 1}


def transaction_of(links):
    """What stands at the end of a poll link."""
    return links.poll.href.rsplit("/", 1)[1] if links and links.poll else None


async def verify(command):
    """The model of the body knows the number challenge only, so a code goes through the SDK's executor."""
    client, body = clients[command["client"]], command.get("body")
    if body and "passCode" in body:
        return await verify_code(client, command)
    data, response, failed = await client.verify_factor(
        command["id"], command["factor"], x_forwarded_for=command.get("forwarded"), user_agent=command.get("agent"),
        body=UserFactorVerifyRequest(**body) if body else None)
    refused = refusal(response, failed)
    if refused:
        return refused
    embedded = data.embedded or {}
    challenge = embedded.get("challenge") if isinstance(embedded, dict) else embedded.challenge
    number = challenge.get("correctAnswer") if isinstance(challenge, dict) else challenge and challenge.correct_answer
    return {"items": [[str(getattr(data.factor_result, "value", data.factor_result)), number,
                       transaction_of(data.links)]], "pages": 1}


async def execute(client, method, path, body=None):
    """A request without the SDK's models; gives the answer's JSON, or None and how it was refused."""
    executor = client.get_request_executor()
    request, failed = await executor.create_request(method, path, body or {})
    if failed:
        return None, error(failed)
    _, text, failed = await executor.execute(request)
    return (None, error(failed)) if failed else (json.loads(text), None)


def factor_path(command):
    return "/api/v1/users/%s/factors/%s" % (command["id"], command["factor"])


async def verify_code(client, command):
    got, refused = await execute(client, "POST", factor_path(command) + "/verify", command["body"])
    return refused or {"items": [[got["factorResult"], None, None]], "pages": 1}


async def poll(command):
    client = clients[command["client"]]
    try:
        data, response, failed = await client.get_factor_transaction_status(
            command["id"], command["factor"], command["transaction"])
        return refusal(response, failed) or {"items": [[data.factor_result]], "pages": 1}
    except ValueError as misread:
        # The model of REJECTED and TIMEOUT takes the link `factor` for a factor.
        if "discriminator value" not in str(misread):
            raise
        got, refused = await execute(client, "GET", factor_path(command) + "/transactions/" + command["transaction"])
        return refused or {"items": [[got["factorResult"]]], "pages": 1}


async def twice(command):
    """Sends what the SDK made for one request two times, without making it anew."""
    executor = clients[command["client"]].get_request_executor()
    request, failed = await executor.create_request("GET", command["path"])
    if failed:
        return error(failed)
    statuses, challenges = [], []
    for _ in range(2):
        _, response, _, failed = await executor.fire_request(request)
        if failed:
            return error(failed)
        statuses.append(response.status)
        challenges.append(response.headers.get("WWW-Authenticate"))
    return {"statuses": statuses, "challenges": challenges}


COMMANDS = {"client": make_client, "events": events, "follow": follow, "users": users, "user": get_user,
            "factors": factors, "verify": verify, "poll": poll, "twice": twice}


async def obey(line):
    command = json.loads(line)
    try:
        answer = await COMMANDS[command["do"]](command)
    except Exception:
        answer = {"broken": traceback.format_exc()}
    return dict(answer, number=command["number"])


def main():
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        print(json.dumps(loop.run_until_complete(obey(line))), flush=True)


main()
