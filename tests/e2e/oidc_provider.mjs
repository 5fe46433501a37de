// A real OpenID provider (npm oidc-provider) for oidc_test.sh: every sign-in succeeds as the subject of the login hint file.
// node oidc_provider.mjs PORT REDIRECT_URI MODULES
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';

const [port, redirect, modules, who] = process.argv.slice(2);
const require = createRequire(`${modules}/x.js`);
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const people = () => JSON.parse(readFileSync(who, 'utf8'));
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'sealdrop', client_secret: 'a secret/of: the client', redirect_uris: [redirect],
    response_types: ['code'], grant_types: ['authorization_code'], token_endpoint_auth_method: 'client_secret_basic',
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ['one key'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people() }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
});
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  if (prompt.name === 'login')
    return provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: people().sub } }, { mergeWithLastSubmission: false });
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope('openid email profile');
  return provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
});
provider.on("grant.error", (ctx, e) => console.error(e.message, e.error_description, e.error_detail));
provider.on("server_error", (ctx, e) => console.error(e));
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
