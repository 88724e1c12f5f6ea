// Writes vectors.json: session cookies by the real @supabase/ssr, against which src/cookie.rs is tested. Run in an
// empty folder:
//   npm install @supabase/ssr@0.12.7 @supabase/supabase-js && node <here>/vectors.mjs > <here>/vectors.json
import { createRequire } from "node:module";
const require = createRequire(process.cwd() + "/");
const ssr = require.resolve("@supabase/ssr").replace(/dist.*/, "dist/main/");
const { applyServerStorage } = require(ssr + "cookies.js");
const { serialize } = require("cookie");

const KEY = "sb-abc-auth-token";
const session = (length, name) =>
  JSON.stringify({
    access_token: `eyJhbGciOiJFUzI1NiJ9.${"a".repeat(length)}.c2ln`,
    token_type: "bearer",
    expires_in: 3600,
    expires_at: 1795512600,
    refresh_token: "r3fr35ht0k3n",
    user: { id: "5f0c2f6e-0d0b-4b53-8d5f-6a3a6a1f2d11", user_metadata: { full_name: name } },
  });

const vectors = [];
async function vector(what, encoding, existing, session) {
  let set = [];
  await applyServerStorage(
    {
      getAll: async () => existing.map((name) => ({ name, value: "stale" })),
      setAll: async (cookies) => {
        set = cookies.map(({ name, value, options }) => serialize(name, value, options));
      },
      setItems: { [KEY]: session },
      removedItems: {},
    },
    { cookieEncoding: encoding, cookieOptions: null },
  );
  vectors.push({ what, encoding, existing, session, set });
}

await vector("short", "base64url", [], session(5, "Zoë 🎉"));
await vector("just within one cookie", "base64url", [], session(2150, ""));
await vector("just too long for one", "base64url", [KEY], session(2151, ""));
const stale = [KEY, `${KEY}.2`, `${KEY}.7`, `${KEY}.01`, `${KEY}-code-verifier`];
await vector("three parts, and others left over", "base64url", stale, session(5000, "x"));
await vector("fewer parts than before", "base64url", [0, 1, 2, 3].map((i) => `${KEY}.${i}`), session(2500, "x"));
await vector("plain JSON", "raw", [], session(5, 'Zoë; 🎉, "quoted" 100%'));
await vector("plain JSON in parts", "raw", [], session(3000, "é🎉".repeat(40)));
console.log(JSON.stringify(vectors, null, 1));
