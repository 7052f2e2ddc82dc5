/** The people in the journeys, and what they do without a page. */
import { type APIRequestContext, expect } from "@playwright/test";
import { Authenticator } from "./authenticator";
import type { Site } from "./site";

export interface Person {
  email: string;
  password: string;
}

/** Someone with an authenticator app and ten backup codes. */
export interface Enrolled extends Person {
  app: Authenticator;
  backupCodes: string[];
}

export const ALICE: Person = { email: "alice@student.com", password: "paper-lantern-orchard-61" };
export const BOB: Person = { email: "bob@student.com", password: "copper-bicycle-harbour-28" };
export const CAROL: Person = { email: "carol@student.com", password: "velvet-compass-meadow-94" };

const STUDENT_PASSWORD = "granite-violin-seashore-47";
const student = (email: string): Person => ({ email, password: STUDENT_PASSWORD });

export const nthStudent = (number: number) => student(`student-${number}@student.com`);
export const LONG_NAMED = student(
  `${"l".repeat(64)}@${"ong".repeat(21)}.${"ong".repeat(21)}.${"o".repeat(53)}.example`,
);

const PAGE_HEADERS = { "X-Requested-With": "focys" };

/** Calls the API as the pages do, with the cookies of *request*. */
export class Caller {
  constructor(
    private readonly request: APIRequestContext,
    private readonly site: Site,
  ) {}

  async post(path: string, body: object = {}, token = "") {
    return this.request.post(`${this.site.url}/api${path}`, {
      data: body,
      headers: { ...PAGE_HEADERS, ...(token && { Authorization: `Bearer ${token}` }) },
    });
  }

  async password({ email, password }: Person): Promise<void> {
    const response = await this.post("/auth/login", { email, password });
    expect(response.status(), await response.text()).toBe(200);
  }

  /** Goes through the whole first sign-in, signs out, and waits for the app's next code. */
  async enroll(person: Person): Promise<Enrolled> {
    await this.password(person);
    await this.post("/auth/email-code/verify", { code: await this.site.lastCode(person.email) });
    const { provisioning_uri } = await (await this.post("/auth/mfa/enroll")).json();
    const app = Authenticator.scan(provisioning_uri);
    const response = await this.post("/auth/mfa/confirm", { code: app.code(this.site.now()) });
    expect(response.status(), await response.text()).toBe(200);
    const { backup_codes: backupCodes, access_token: token, user } = await response.json();
    await this.post("/auth/backup-codes/acknowledge", { set: user.backup_codes_unsaved }, token);
    await this.post("/auth/logout");
    await this.site.advance(30);
    return { ...person, app, backupCodes };
  }

  /** Cancels the login in progress. */
  async leave(): Promise<void> {
    await this.request.delete(`${this.site.url}/api/auth/login`, { data: {} });
  }

  /** Submits *count* wrong codes to the login in progress. */
  async guess(person: Enrolled, count: number): Promise<void> {
    for (const code of person.app.wrongCodes(this.site.now(), count)) {
      await this.post("/auth/totp/verify", { code });
    }
  }
}
