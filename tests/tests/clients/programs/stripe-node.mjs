// Scenarios of the Stripe sandbox through Stripe's library for Node.js. `stripe-python.py` has the same.
import Stripe from "stripe";
import { end, tell } from "./bench.mjs";

const { url, key } = await tell({ ask: "world" });
const { hostname, port } = new URL(url);
const client = (key, options) => new Stripe(key, { host: hostname, port, protocol: "http", ...options });
const stripe = client(key, { maxNetworkRetries: 0 });

/** The error with which the library refuses a call. */
async function refusal(call) {
    try {
        await call();
    } catch (error) {
        const { type, code, param, decline_code, statusCode } = error;
        const told = { status: statusCode, code, param, decline: decline_code };
        for (const name in told) told[name] ??= null;
        return { class: type.replace("Stripe", ""), ...told };
    }
    throw new Error("the call was not refused");
}

const order = (ids) => ({
    mode: "payment",
    customer: ids.customer,
    success_url: "https://example.com",
    line_items: [{ quantity: 1, price_data: { currency: "usd", unit_amount: 900, product_data: { name: "Top-up" } } }],
});
const charge = ({ customer, card }, more) => ({
    amount: 700, currency: "usd", customer, payment_method: card, off_session: true, confirm: true, ...more,
});
const charge1 = { idempotencyKey: "charge-1" };

const scenarios = {
    async "a customer is created and updated"() {
        const { id } = await stripe.customers.create({ email: "a@example.com", metadata: { a: "1" } });
        await stripe.customers.update(id, { name: "A", metadata: { b: "2" } });
        const { email, name, metadata } = await stripe.customers.retrieve(id);
        return { saw: { email, name, metadata }, ids: { customer: id } };
    },
    async "a session is created"(ids) {
        const session = await stripe.checkout.sessions.create(order(ids));
        const { id, mode, status, payment_status, amount_total } = session;
        const page = (await fetch(session.url)).status;
        return { saw: { mode, status, payment_status, amount_total, page }, ids: { session: id } };
    },
    async "a session is expanded"(ids) {
        const shown = await stripe.checkout.sessions.retrieve(ids.session, { expand: ["line_items", "customer"] });
        const listed = await stripe.checkout.sessions.listLineItems(ids.session);
        const [{ description, amount_total }] = shown.line_items.data;
        return { saw: { description, amount_total, listed: listed.data.length, email: shown.customer.email } };
    },
    async "sessions are listed and one expires"(ids) {
        const { id } = await stripe.checkout.sessions.create(order(ids));
        const { data, has_more } = await stripe.checkout.sessions.list({ customer: ids.customer, limit: 1 });
        const { status } = await stripe.checkout.sessions.expire(id);
        const again = await refusal(() => stripe.checkout.sessions.expire(id));
        const expired = await stripe.checkout.sessions.list({ status: "expired" });
        return { saw: { newest: data[0].id === id, has_more, status, again: again.class, expired: expired.data.length } };
    },
    async "a paid session names its payment"(ids) {
        const expand = ["payment_intent.latest_charge"];
        const session = await stripe.checkout.sessions.retrieve(ids.session, { expand });
        const { status, payment_status, payment_intent: intent } = session;
        const paid = intent.latest_charge.amount;
        return { saw: { status, payment_status, intent: intent.status, paid }, ids: { payment: intent.id } };
    },
    async "a card is saved"(ids) {
        const setup = await stripe.setupIntents.create({ customer: ids.customer, usage: "off_session" });
        const visa = { payment_method: "pm_card_visa" };
        const { status, payment_method: card } = await stripe.setupIntents.confirm(setup.id, visa);
        const { data } = await stripe.customers.listPaymentMethods(ids.customer);
        return { saw: { status, listed: data.map(({ id, type }) => id === card && type) }, ids: { card } };
    },
    async "a saved card is charged"(ids) {
        const expand = ["latest_charge.balance_transaction"];
        const { id, status, amount, latest_charge } = await stripe.paymentIntents.create(charge(ids, { expand }), charge1);
        return { saw: { status, amount, net: latest_charge.balance_transaction.net }, ids: { intent: id } };
    },
    async "a charge is repeated under its key"(ids) {
        const expand = ["latest_charge.balance_transaction"];
        const { id, lastResponse } = await stripe.paymentIntents.create(charge(ids, { expand }), charge1);
        return { saw: { same: id === ids.intent, replayed: lastResponse.headers["idempotent-replayed"] } };
    },
    async "another charge under the same key"(ids) {
        return { saw: await refusal(() => stripe.paymentIntents.create(charge(ids, { amount: 701 }), charge1)) };
    },
    async "a declined card"(ids) {
        return { saw: await refusal(() => stripe.paymentIntents.create(charge(ids))) };
    },
    async "a card that needs its owner"(ids) {
        return { saw: await refusal(() => stripe.paymentIntents.create(charge(ids))) };
    },
    async "a missing parameter"() {
        return { saw: await refusal(() => stripe.paymentIntents.create({ amount: 700 })) };
    },
    async "an unknown customer"() {
        return { saw: await refusal(() => stripe.customers.retrieve("cus_none")) };
    },
    async "a foreign account"() {
        return { saw: await refusal(() => stripe.accounts.retrieve("acct_none")) };
    },
    async "a wrong key"() {
        return { saw: await refusal(() => client("sk_test_wrong").balance.retrieve()) };
    },
    async "too many requests"() {
        return { saw: await refusal(() => stripe.customers.create({})) };
    },
    async "a server error"() {
        return { saw: await refusal(() => stripe.customers.create({})) };
    },
    async "a lost request"() {
        return { saw: await refusal(() => stripe.customers.create({ email: "never@example.com" })) };
    },
    async "a lost answer is asked for again"() {
        const { email } = await client(key, { maxNetworkRetries: 2 }).customers.create({ email: "lost@example.com" });
        return { saw: { email } };
    },
    async "a charge is refunded in parts"(ids) {
        const refund = (more) => stripe.refunds.create({ payment_intent: ids.intent, ...more });
        const [part, rest] = [await refund({ amount: 200 }), await refund({})];
        const { data } = await stripe.refunds.list({ payment_intent: ids.intent });
        const more = await refusal(() => refund({}));
        return { saw: { amounts: [part.amount, rest.amount], status: rest.status, listed: data.length, more } };
    },
    async "a payment is disputed"(ids) {
        const { data } = await stripe.disputes.list({ payment_intent: ids.payment });
        const { amount, status, charge } = await stripe.disputes.retrieve(data[0].id);
        const { disputed } = await stripe.charges.retrieve(charge);
        return { saw: { listed: data.length, amount, status, disputed } };
    },
    async "an account is not ready for transfers"() {
        const capabilities = { transfers: { requested: true } };
        const { id, payouts_enabled } = await stripe.accounts.create({ type: "express", capabilities });
        const pages = { refresh_url: "https://example.com/r", return_url: "https://example.com/b" };
        const link = await stripe.accountLinks.create({ account: id, ...pages, type: "account_onboarding" });
        const early = await refusal(() => stripe.transfers.create({ amount: 300, currency: "usd", destination: id }));
        const login = await refusal(() => stripe.accounts.createLoginLink(id));
        const page = (await fetch(link.url)).status;
        return { saw: { payouts_enabled, page, early, login: login.class }, ids: { account: id } };
    },
    async "a transfer is reversed in parts"(ids) {
        const { payouts_enabled } = await stripe.accounts.retrieve(ids.account);
        const { id } = await stripe.transfers.create({ amount: 300, currency: "usd", destination: ids.account });
        const part = await stripe.transfers.createReversal(id, { amount: 100 });
        const rest = await stripe.transfers.createReversal(id);
        const { data } = await stripe.transfers.listReversals(id);
        const { reversed, amount_reversed } = await stripe.transfers.retrieve(id);
        const more = await refusal(() => stripe.transfers.createReversal(id));
        const amounts = [part.amount, rest.amount];
        return { saw: { payouts_enabled, amounts, listed: data.length, reversed, amount_reversed, more: more.class } };
    },
    async "all pages of a list are read"() {
        for (const name of ["1", "2", "3", "4", "5"]) await stripe.customers.create({ name, email: "page@example.com" });
        const pages = { email: "page@example.com", limit: 2 };
        const read = (list) => stripe.customers.list(list).autoPagingToArray({ limit: 100 });
        const forwards = await read(pages);
        const backwards = await read({ ...pages, ending_before: forwards[4].id });
        const names = (list) => list.map(({ name }) => name).join("");
        return { saw: { forwards: names(forwards), backwards: names(backwards) } };
    },
    async "the balance is the sum of its transactions"() {
        let sum = 0;
        for await (const { net } of stripe.balanceTransactions.list({ limit: 3 })) sum += net;
        const { available } = await stripe.balance.retrieve();
        return { saw: { sum, available: available[0].amount } };
    },
    async "events are listed by type"(ids) {
        const { data } = await stripe.events.list({ type: "payment_intent.succeeded", limit: 10 });
        const { object } = (await stripe.events.retrieve(data[0].id)).data;
        return { saw: { amounts: data.map((event) => event.data.object.amount), about: object.id === ids.intent } };
    },
    async "a signed event is accepted and an altered one refused"({ body, signature, secret }) {
        const event = stripe.webhooks.constructEvent(body, signature, secret);
        const check = (...args) => refusal(() => stripe.webhooks.constructEvent(...args)).then((error) => error.class);
        const altered = await check(body.replace("700", "900"), signature, secret);
        const foreign = await check(body, signature, "whsec_other");
        const unsigned = await check(body, "t=1,v1=00", secret);
        return { saw: { type: event.type, amount: event.data.object.amount, altered, foreign, unsigned } };
    },
    async "objects are deleted"(ids) {
        await stripe.paymentMethods.detach(ids.card);
        const account = await stripe.accounts.del(ids.account);
        const customer = await stripe.customers.del(ids.customer);
        const { deleted } = await stripe.customers.retrieve(ids.customer);
        return { saw: { account: account.deleted, customer: customer.deleted, deleted } };
    },
    async "what the sandbox lacks is refused"() {
        const payout = await refusal(() => stripe.payouts.create({ amount: 100, currency: "usd" }));
        const controller = { controller: { stripe_dashboard: { type: "express" } } };
        const account = await refusal(() => stripe.accounts.create(controller));
        return { saw: { payout: payout.status, account: account.status } };
    },
};

for (let next = await tell({ ask: "scenario" }); next.name; ) {
    const { name, ids } = next;
    next = await tell(await scenarios[name](ids).catch((error) => ({ saw: `${name}: ${error.stack}` })));
}
end();
