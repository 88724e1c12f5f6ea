"""Calls the sandbox, whose URL is the first argument, through Stripe's own client library."""

import sys

import stripe

client = stripe.StripeClient("sk_test_abc", base_addresses={"api": sys.argv[1]}, max_network_retries=0).v1


def refused(call):
    """The message with which Stripe's library reports a refused call."""
    try:
        call()
    except stripe.InvalidRequestError as error:
        return str(error)
    raise AssertionError("the call was not refused")


customer = client.customers.create({"email": "a@example.com", "metadata": {"a": "1"}})
updated = client.customers.update(customer.id, {"name": "A", "metadata": {"b": "2"}})
assert (updated.email, updated.name, updated.metadata.to_dict()) == ("a@example.com", "A", {"a": "1", "b": "2"})

price = {"currency": "usd", "unit_amount": 900, "product_data": {"name": "Top-up"}}
session = client.checkout.sessions.create({
    "mode": "payment",
    "customer": customer.id,
    "success_url": "https://example.com",
    "line_items": [{"quantity": 1, "price_data": price}],
})
assert [item.amount_total for item in client.checkout.sessions.line_items.list(session.id)] == [900]
shown = client.checkout.sessions.retrieve(session.id, {"expand": ["line_items", "customer"]})
assert (shown.line_items.data[0].description, shown.customer.id) == ("Top-up", customer.id)

setup = client.setup_intents.create({"customer": customer.id, "usage": "off_session"})
setup = client.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
assert [method.id for method in client.customers.payment_methods.list(customer.id)] == [setup.payment_method]
payment = client.payment_intents.create({
    "amount": 700,
    "currency": "usd",
    "customer": customer.id,
    "payment_method": setup.payment_method,
    "off_session": True,
    "confirm": True,
    "expand": ["latest_charge.balance_transaction"],
})
assert payment.latest_charge.balance_transaction.net == 700
client.refunds.create({"payment_intent": payment.id, "amount": 200})
assert [one.net for one in client.balance_transactions.list().auto_paging_iter()] == [-200, 700]

account = client.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}})
assert "onboarding" in refused(lambda: client.accounts.login_links.create(account.id))
assert client.accounts.delete(account.id).deleted

client.payment_methods.detach(setup.payment_method)
assert client.customers.delete(customer.id).deleted
assert client.customers.retrieve(customer.id).deleted

for call in (
    lambda: client.payouts.create({"amount": 100, "currency": "usd"}),
    lambda: client.accounts.create({"controller": {"stripe_dashboard": {"type": "express"}}}),
):
    assert "does not act out" in refused(call)
