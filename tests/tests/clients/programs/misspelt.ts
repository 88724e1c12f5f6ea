// A program of a worker and a sender, as somebody writes it against the generated types. The compiler reports
// a line below `@ts-expect-error` that compiles.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const client = createClient<paths>({ baseUrl: "http://localhost:9000" });

export async function post(): Promise<string> {
    const body = { prompt: "Roast this build", confirmed: true } as const;
    const posted = await client.POST("/api/jobs/run", { body: { ...body, pack: "roast" } });
    // @ts-expect-error No pack has this name.
    await client.POST("/api/jobs/run", { body: { ...body, pack: "rosat" } });
    // @ts-expect-error No field has this name.
    const misspelt: components["schemas"]["RunRequest"] = { prompt: "Roast this build", pakc: "roast" };
    await client.POST("/api/jobs/run", { body: misspelt });
    if (posted.error) {
        // @ts-expect-error No error has this code.
        if (posted.error.code === "insufficient_balanec") throw posted.error;
        if (posted.error.code === "insufficient_balance") throw posted.error;
        throw posted.error;
    }
    return "id" in posted.data ? posted.data.id : posted.data.title;
}

export async function race(id: string): Promise<components["schemas"]["SubmissionGrade"] | null> {
    const path = { id };
    const claimed = await client.POST("/api/jobs/{id}/claim", { params: { path } });
    await client.POST("/api/jobs/{id}/claim", { params: { path }, body: { agentId: "an agent" } });
    // @ts-expect-error No status has this name.
    if (claimed.data?.status === "opne") return null;
    if (claimed.data?.status === "completed") return claimed.data.grade ?? null;
    const verdict = await client.GET("/api/jobs/{id}/verdict", { params: { path } });
    return verdict.data?.submissions[0]?.grade ?? null;
}

export async function list(): Promise<number> {
    const open = await client.GET("/api/jobs", { params: { query: { status: "open" } } });
    // @ts-expect-error No order has this name.
    await client.GET("/api/board", { params: { query: { sort: "cheapest" } } });
    return open.data?.length ?? 0;
}

export function price(event: components["schemas"]["TimelineEvent"]): number {
    // @ts-expect-error No event has this name.
    if (event.event === "creatde") return 0;
    return event.event === "created" ? event.data.price_cents : 0;
}
