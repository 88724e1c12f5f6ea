"""Scenarios of the Stripe sandbox through Stripe's library for Python. `stripe-node.mjs` has the same."""

import urllib.request

import stripe
from bench import tell

world = tell({"ask": "world"})


def client(key, retries=0):
    library = stripe.StripeClient(key, base_addresses={"api": world["url"]}, max_network_retries=retries)
    return library.v1


api = client(world["key"])


def refusal(call):
    """The error with which the library refuses a call."""
    try:
        call()
    except stripe.StripeError as error:
        kind = type(error).__name__.replace("APIConnectionError", "ConnectionError")
        told = {"code": "code", "param": "param", "decline": "decline_code"}
        told = {key: getattr(error.error, name, None) for key, name in told.items()}
        return {"class": kind, "status": error.http_status} | told
    raise AssertionError("the call was not refused")


def status_of(url):
    with urllib.request.urlopen(url) as page:
        return page.status


def order(ids):
    price = {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Top-up"}}
    return {
        "mode": "payment",
        "customer": ids["customer"],
        "success_url": "https://example.com",
        "line_items": [{"quantity": 1, "price_data": price}],
    }


def charge(ids, **more):
    payer = {"customer": ids["customer"], "payment_method": ids["card"]}
    return {"amount": 700, "currency": "usd", "off_session": True, "confirm": True} | payer | more


CHARGE_1 = {"idempotency_key": "charge-1"}
SCENARIOS = {}


def scenario(name):
    def keep(call):
        SCENARIOS[name] = call
        return call

    return keep


@scenario("a customer is created and updated")
def _(ids):
    customer = api.customers.create({"email": "a@example.com", "metadata": {"a": "1"}})
    api.customers.update(customer.id, {"name": "A", "metadata": {"b": "2"}})
    shown = api.customers.retrieve(customer.id)
    saw = {"email": shown.email, "name": shown.name, "metadata": shown.metadata.to_dict()}
    return {"saw": saw, "ids": {"customer": customer.id}}


@scenario("a session is created")
def _(ids):
    session = api.checkout.sessions.create(order(ids))
    saw = {key: session[key] for key in ("mode", "status", "payment_status", "amount_total")}
    return {"saw": saw | {"page": status_of(session.url)}, "ids": {"session": session.id}}


@scenario("a session is expanded")
def _(ids):
    shown = api.checkout.sessions.retrieve(ids["session"], {"expand": ["line_items", "customer"]})
    listed = api.checkout.sessions.line_items.list(ids["session"])
    line = shown.line_items.data[0]
    saw = {"description": line.description, "amount_total": line.amount_total}
    return {"saw": saw | {"listed": len(listed.data), "email": shown.customer.email}}


@scenario("sessions are listed and one expires")
def _(ids):
    session = api.checkout.sessions.create(order(ids))
    page = api.checkout.sessions.list({"customer": ids["customer"], "limit": 1})
    status = api.checkout.sessions.expire(session.id).status
    again = refusal(lambda: api.checkout.sessions.expire(session.id))
    expired = api.checkout.sessions.list({"status": "expired"})
    saw = {"newest": page.data[0].id == session.id, "has_more": page.has_more, "status": status}
    return {"saw": saw | {"again": again["class"], "expired": len(expired.data)}}


@scenario("a paid session names its payment")
def _(ids):
    session = api.checkout.sessions.retrieve(ids["session"], {"expand": ["payment_intent.latest_charge"]})
    intent = session.payment_intent
    saw = {"status": session.status, "payment_status": session.payment_status, "intent": intent.status}
    return {"saw": saw | {"paid": intent.latest_charge.amount}, "ids": {"payment": intent.id}}


@scenario("a card is saved")
def _(ids):
    setup = api.setup_intents.create({"customer": ids["customer"], "usage": "off_session"})
    setup = api.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    listed = api.customers.payment_methods.list(ids["customer"]).data
    listed = [method.id == setup.payment_method and method.type for method in listed]
    return {"saw": {"status": setup.status, "listed": listed}, "ids": {"card": setup.payment_method}}


@scenario("a saved card is charged")
def _(ids):
    intent = api.payment_intents.create(charge(ids, expand=["latest_charge.balance_transaction"]), CHARGE_1)
    net = intent.latest_charge.balance_transaction.net
    return {"saw": {"status": intent.status, "amount": intent.amount, "net": net}, "ids": {"intent": intent.id}}


@scenario("a charge is repeated under its key")
def _(ids):
    intent = api.payment_intents.create(charge(ids, expand=["latest_charge.balance_transaction"]), CHARGE_1)
    replayed = intent.last_response.headers["idempotent-replayed"]
    return {"saw": {"same": intent.id == ids["intent"], "replayed": replayed}}


@scenario("another charge under the same key")
def _(ids):
    return {"saw": refusal(lambda: api.payment_intents.create(charge(ids, amount=701), CHARGE_1))}


@scenario("a declined card")
@scenario("a card that needs its owner")
def _(ids):
    return {"saw": refusal(lambda: api.payment_intents.create(charge(ids)))}


@scenario("a missing parameter")
def _(ids):
    return {"saw": refusal(lambda: api.payment_intents.create({"amount": 700}))}


@scenario("an unknown customer")
def _(ids):
    return {"saw": refusal(lambda: api.customers.retrieve("cus_none"))}


@scenario("a foreign account")
def _(ids):
    return {"saw": refusal(lambda: api.accounts.retrieve("acct_none"))}


@scenario("a wrong key")
def _(ids):
    return {"saw": refusal(lambda: client("sk_test_wrong").balance.retrieve())}


@scenario("too many requests")
@scenario("a server error")
def _(ids):
    return {"saw": refusal(lambda: api.customers.create({}))}


@scenario("a lost request")
def _(ids):
    return {"saw": refusal(lambda: api.customers.create({"email": "never@example.com"}))}


@scenario("a lost answer is asked for again")
def _(ids):
    customer = client(world["key"], retries=2).customers.create({"email": "lost@example.com"})
    return {"saw": {"email": customer.email}}


@scenario("a charge is refunded in parts")
def _(ids):
    def refund(**more):
        return api.refunds.create({"payment_intent": ids["intent"], **more})

    part, rest = refund(amount=200), refund()
    listed = len(api.refunds.list({"payment_intent": ids["intent"]}).data)
    saw = {"amounts": [part.amount, rest.amount], "status": rest.status, "listed": listed}
    return {"saw": saw | {"more": refusal(refund)}}


@scenario("a payment is disputed")
def _(ids):
    disputes = api.disputes.list({"payment_intent": ids["payment"]}).data
    dispute = api.disputes.retrieve(disputes[0].id)
    disputed = api.charges.retrieve(dispute.charge).disputed
    saw = {"listed": len(disputes), "amount": dispute.amount, "status": dispute.status}
    return {"saw": saw | {"disputed": disputed}}


@scenario("an account is not ready for transfers")
def _(ids):
    account = api.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
    pages = {"refresh_url": "https://example.com/r", "return_url": "https://example.com/b"}
    link = api.account_links.create({"account": account.id, "type": "account_onboarding"} | pages)
    transfer = {"amount": 300, "currency": "usd", "destination": account.id}
    early = refusal(lambda: api.transfers.create(transfer))
    login = refusal(lambda: api.accounts.login_links.create(account.id))
    saw = {"payouts_enabled": account.payouts_enabled, "page": status_of(link.url), "early": early}
    return {"saw": saw | {"login": login["class"]}, "ids": {"account": account.id}}


@scenario("a transfer is reversed in parts")
def _(ids):
    account = api.accounts.retrieve(ids["account"])
    transfer = api.transfers.create({"amount": 300, "currency": "usd", "destination": account.id})
    parts = [api.transfers.reversals.create(transfer.id, {"amount": 100}), api.transfers.reversals.create(transfer.id)]
    listed = len(api.transfers.reversals.list(transfer.id).data)
    shown = api.transfers.retrieve(transfer.id)
    more = refusal(lambda: api.transfers.reversals.create(transfer.id))
    saw = {"payouts_enabled": account.payouts_enabled, "amounts": [part.amount for part in parts], "listed": listed}
    reversed_ = {"reversed": shown.reversed, "amount_reversed": shown.amount_reversed}
    return {"saw": saw | reversed_ | {"more": more["class"]}}


@scenario("all pages of a list are read")
def _(ids):
    for name in "12345":
        api.customers.create({"name": name, "email": "page@example.com"})
    forwards = list(api.customers.list({"email": "page@example.com", "limit": 2}).auto_paging_iter())
    before = {"ending_before": forwards[4].id, "email": "page@example.com", "limit": 2}
    backwards = api.customers.list(before).auto_paging_iter()
    names = ["".join(customer.name for customer in customers) for customers in (forwards, backwards)]
    return {"saw": {"forwards": names[0], "backwards": names[1]}}


@scenario("the balance is the sum of its transactions")
def _(ids):
    total = sum(one.net for one in api.balance_transactions.list({"limit": 3}).auto_paging_iter())
    return {"saw": {"sum": total, "available": api.balance.retrieve().available[0].amount}}


@scenario("events are listed by type")
def _(ids):
    events = api.events.list({"type": "payment_intent.succeeded", "limit": 10}).data
    event = api.events.retrieve(events[0].id)
    amounts = [event.data.object["amount"] for event in events]
    return {"saw": {"amounts": amounts, "about": event.data.object["id"] == ids["intent"]}}


@scenario("a signed event is accepted and an altered one refused")
def _(ids):
    body, signature, secret = ids["body"], ids["signature"], ids["secret"]
    event = stripe.Webhook.construct_event(body, signature, secret)

    def check(*arguments):
        return refusal(lambda: stripe.Webhook.construct_event(*arguments))["class"]

    altered = check(body.replace("700", "900"), signature, secret)
    foreign, unsigned = check(body, signature, "whsec_other"), check(body, "t=1,v1=00", secret)
    saw = {"type": event.type, "amount": event.data.object["amount"]}
    return {"saw": saw | {"altered": altered, "foreign": foreign, "unsigned": unsigned}}


@scenario("objects are deleted")
def _(ids):
    api.payment_methods.detach(ids["card"])
    account, customer = api.accounts.delete(ids["account"]), api.customers.delete(ids["customer"])
    deleted = api.customers.retrieve(ids["customer"]).deleted
    return {"saw": {"account": account.deleted, "customer": customer.deleted, "deleted": deleted}}


@scenario("what the sandbox lacks is refused")
def _(ids):
    payout = refusal(lambda: api.payouts.create({"amount": 100, "currency": "usd"}))
    account = refusal(lambda: api.accounts.create({"controller": {"stripe_dashboard": {"type": "express"}}}))
    return {"saw": {"payout": payout["status"], "account": account["status"]}}


upcoming = tell({"ask": "scenario"})
while upcoming["name"]:
    upcoming = tell(SCENARIOS[upcoming["name"]](upcoming["ids"]))
