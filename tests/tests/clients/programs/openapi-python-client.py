"""Drives a whole drop through the client that openapi-python-client made."""

from bench import tell
from client import AuthenticatedClient, models
from client.api.board import board_list
from client.api.drops import drops_claim, drops_get, drops_run, drops_submit, drops_verdict
from client.api.wallet import wallet_balance

world = tell({"ask": "world"})


def caller(authorization):
    return AuthenticatedClient(base_url=world["url"], token=authorization.removeprefix("Bearer "))


sender, worker = caller(world["sender"]), caller(world["worker"])


def step(name, kind, answer):
    """Tells the test what a call returned, and returns it if it has the promised type."""
    body = answer.parsed
    written = [item.to_dict() for item in body] if isinstance(body, list) else body.to_dict()
    tell({"step": name, "status": int(answer.status_code), "body": written})
    assert isinstance(body, kind), f"{name}: {body}"
    return body


order = {"prompt": "Roast this build", "pack": models.Pack.ROAST, "price_cents": 500}
step("estimate", models.Estimate, drops_run.sync_detailed(client=sender, body=models.RunRequest(**order)))

confirmed = {"body": models.RunRequest(**order, confirmed=True), "idempotency_key": "a-drop"}
drop = step("post", models.Drop, drops_run.sync_detailed(client=sender, **confirmed))
again = drops_run.sync_detailed(client=sender, **confirmed)
step("post again", models.Drop, again)
assert again.headers["Idempotency-Replayed"] == "true", "the drop was posted again"

board = step("board", list, board_list.sync_detailed(client=sender, sort=models.BoardOrder.NEWEST))
assert drop.id in [row.id for row in board], "the drop is not on the board"

claimed = step("claim", models.Drop, drops_claim.sync_detailed(drop.id, client=worker))
assert claimed.your_claim.submission_id is None, "the claim has a submission"
early = step("early verdict", models.ErrorBody, drops_verdict.sync_detailed(drop.id, client=sender))
assert early.code == models.ErrorCode.VERDICT_NOT_READY, early
output = models.SubmitRequest(output_text="Documentation by archaeology: it compiles, which is the pitch.")
step("submit", object, drops_submit.sync_detailed(drop.id, client=worker, body=output))
tell({"ask": "settle"})

verdict = step("verdict", models.Verdict, drops_verdict.sync_detailed(drop.id, client=sender))
ended = step("read", models.Drop, drops_get.sync_detailed(drop.id, client=sender))
assert ended.status == models.DropStatus.COMPLETED, ended
assert ended.grade == verdict.submissions[0].grade, "the drop has another grade"

cursor = {}
while True:
    page = wallet_balance.sync_detailed(client=worker, limit=1, **cursor)
    step("wallet", models.Balance, page)
    if "X-Next-Cursor" not in page.headers:
        break
    cursor = {"cursor": page.headers["X-Next-Cursor"]}

empty = models.RunRequest(**{**order, "prompt": " "})
problem = step("refused", models.ErrorBody, drops_run.sync_detailed(client=sender, body=empty))
assert (problem.code, problem.field) == (models.ErrorCode.PROMPT_REQUIRED, "/prompt"), problem
