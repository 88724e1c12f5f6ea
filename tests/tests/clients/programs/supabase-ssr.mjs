// A server of clorp's pages that keeps sessions in cookies with @supabase/ssr, and calls the API with them.
import { createServerClient, parseCookieHeader, serializeCookieHeader } from "@supabase/ssr";
import { end, tell } from "./bench.mjs";

const { issuer, anonKey, api, origin, people } = await tell({ ask: "world" });
const saw = (name, value) => tell({ name, saw: value });

/** The cookies of one browser. */
class Jar {
    cookies = new Map();
    constructor(header) {
        for (const { name, value } of parseCookieHeader(header ?? "")) this.cookies.set(name, value);
    }
    names() {
        return [...this.cookies.keys()].sort();
    }
    header() {
        return [...this.cookies].map(([name, value]) => serializeCookieHeader(name, value, {}).split("; ")[0]).join("; ");
    }
    getAll() {
        return [...this.cookies].map(([name, value]) => ({ name, value }));
    }
    setAll(list) {
        for (const { name, value, options } of list) this.set(name, value, options.maxAge === 0);
    }
    set(name, value, ends) {
        if (ends) this.cookies.delete(name);
        else this.cookies.set(name, value);
    }
    /** Takes the cookies of a response, and returns their number. */
    take(response) {
        const lines = response.headers.getSetCookie();
        for (const line of lines) {
            const [{ name, value }] = parseCookieHeader(line.split(";")[0]);
            this.set(name, value, /max-age=0(;|$)/i.test(line));
        }
        return lines.length;
    }
}

const server = (jar, options) => createServerClient(issuer, anonKey, {
    cookies: { getAll: () => jar.getAll(), setAll: (list) => jar.setAll(list) },
    ...options,
}).auth;
const call = async (jar, method, path, headers) => {
    const response = await fetch(api + path, { method, headers: { cookie: jar.header(), ...headers } });
    return { status: response.status, set: jar.take(response), body: await response.json() };
};
const balance = async (jar) => (await call(jar, "GET", "/api/wallet/balance?limit=1")).status;
const refreshes = async () => (await (await fetch(`${issuer}/_issuer/calls`)).json()).token;
const failed = ({ error }) => error && { class: error.name, code: error.code ?? null };

for (const { label, email, password, id } of people) {
    const jar = new Jar();
    const { error } = await server(jar).signInWithPassword({ email, password });
    if (error) throw error;
    await saw(`${label}: the cookies of a new session`, jar.names());
    const { body, set } = await call(jar, "POST", "/api/whoami", { origin });
    await saw(`${label}: the caller of the API`, { same: body.user.id === id, set });
    const foreign = await call(jar, "POST", "/api/whoami", { origin: "https://evil.example" });
    await saw(`${label}: a change from a foreign page`, { status: foreign.status, code: foreign.body.code });
    const { user } = (await server(jar).getUser()).data;
    const { claims } = (await server(jar).getClaims()).data;
    const { session } = (await server(jar).getSession()).data;
    const ids = [user.id, claims.sub, session.user.id];
    await saw(`${label}: what the server reads`, ids.every((read) => read === id));

    const expired = async () => new Jar((await tell({ ask: "session", email, expires_in: -10 })).cookie);
    const byApi = await expired();
    const { status, set: renewed } = await call(byApi, "GET", "/api/wallet/balance?limit=1");
    await saw(`${label}: an expired session at the API`, { status, renewed: renewed > 0, names: byApi.names() });
    const asked = await refreshes();
    const read = (await server(byApi).getSession()).data.session;
    // A server that had not got the API's cookies would refresh the old session once more.
    const lasts = read.expires_in > 3000 && (await refreshes()) === asked;
    const renewal = { same: read.user.id === id, lasts };
    await saw(`${label}: the server reads what the API renewed`, renewal);
    await saw(`${label}: the server renews what the API renewed`, failed(await server(byApi).refreshSession()));
    await saw(`${label}: the API accepts that`, await balance(byApi));

    const byServer = await expired();
    await saw(`${label}: an expired session at the server`, failed(await server(byServer).getSession()));
    const accepted = await call(byServer, "GET", "/api/wallet/balance?limit=1");
    await saw(`${label}: the API accepts what the server renewed`, { status: accepted.status, set: accepted.set });

    const one = await expired();
    const other = new Jar(one.header());
    const both = await Promise.all([balance(one), server(other).getSession()]);
    await saw(`${label}: both renew one session at once`, { api: both[0], server: failed(both[1]) });
    await saw(`${label}: both sessions work`, [await balance(one), await balance(other)]);
}

const [{ email, password }] = people;
for (const [label, options] of [
    ["raw cookies", { cookieEncoding: "raw" }],
    ["tokens without a user", { cookies: { encode: "tokens-only" } }],
]) {
    const jar = new Jar();
    const cookies = { getAll: () => jar.getAll(), setAll: (list) => jar.setAll(list), ...options.cookies };
    const { auth } = createServerClient(issuer, anonKey, { ...options, cookies });
    await auth.signInWithPassword({ email, password });
    await saw(label, { status: await balance(jar), names: jar.names() });
}

const jar = new Jar();
await server(jar).signInWithPassword({ email, password });
const stolen = new Jar(jar.header());
await saw("signing out", failed(await server(jar).signOut()));
await saw("the cookies after it", jar.names());
await saw("a copy of the cookies while the token lasts", await balance(stolen));
await tell({ ask: "an hour" });
await saw("a copy of the cookies later", await balance(stolen));
end();
