// An OpenID provider and an issuer of GA4GH visas, for the tests of logging in through one.
//
// Arguments: the folder with node_modules, the address that people come back to, the client's secret (empty: a public
// client). Prints one line, its issuer, once it listens. Whoever logs in is the `login_hint` of the last `POST /person`.

import { createRequire } from "node:module";
import { createServer } from "node:http";
import { pathToFileURL } from "node:url";

const [folder, back, secret] = process.argv.slice(2);
const require = createRequire(`${folder}/`);
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const { default: Provider } = await load("oidc-provider");
const { SignJWT, generateKeyPair, exportJWK } = await load("jose");

const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), kid: "v1", alg: "RS256", use: "sig" };
let person = { sub: "ada", visas: [] };

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

async function visa({ iss, sub, exp, key, ...visa }) {
  const signer = key === "stranger" ? (await generateKeyPair("RS256")).privateKey : privateKey;
  const { conditions, ...rest } = visa;
  const claim = {
    type: "ControlledAccessGrants", asserted: 1700000000, source: "https://dac.example.org",
    by: "dac", ...rest, ...(conditions ? { conditions } : {}),
  };
  return new SignJWT({ ga4gh_visa_v1: claim })
    .setProtectedHeader({ alg: "RS256", kid: "v1", typ: "vnd.ga4gh.visa+jwt" })
    .setIssuer(iss ?? issuer).setSubject(sub ?? person.sub).setIssuedAt()
    .setExpirationTime(exp ?? "1h").sign(signer);
}

const provider = new Provider(issuer, {
  jwks: { keys: [jwk] },
  clients: [{
    client_id: "lazaret", redirect_uris: [back], response_types: ["code"], grant_types: ["authorization_code"],
    ...(secret ? { client_secret: secret, token_endpoint_auth_method: "client_secret_basic" }
      : { token_endpoint_auth_method: "none" }),
  }],
  scopes: ["openid", "ga4gh_passport_v1"],
  claims: { openid: ["sub", "amr"], ga4gh_passport_v1: ["ga4gh_passport_v1"] },
  pkce: { required: () => true, methods: ["S256"] },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ["a key of the tests"] },
  conformIdTokenClaims: true,
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: async (_, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, ga4gh_passport_v1: await Promise.all(person.visas.map(visa)) }),
  }),
});
const answer = provider.callback();

// Consent is given at once: what is tested is what Lazaret does with the answer.
async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: person.sub, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope);
  const amr = person.mfa ? ["pwd", "otp", "mfa"] : ["pwd"];
  const result = person.refuses ? { error: "access_denied", error_description: "the person said no" }
    : { login: { accountId: person.sub, amr, remember: false }, consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

server.on("request", (request, response) => {
  const path = new URL(request.url, issuer).pathname;
  if (request.method === "POST" && path === "/person") {
    let text = "";
    request.on("data", (piece) => { text += piece; });
    request.on("end", () => { person = { visas: [], ...JSON.parse(text) }; response.end("{}"); });
  } else if (path.startsWith("/interaction/")) {
    interact(request, response).catch((error) => { response.statusCode = 500; response.end(String(error)); });
  } else {
    answer(request, response);
  }
});
console.log(issuer);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
