// oauth4webapi: pushed request, private_key_jwt, DPoP with a nonce, signed UserInfo where registered, refresh, introspection,
// revocation, logout. Everything that the library can check, it checks.
import { demand, done, open } from './talk.mjs'

const oauth = await import('oauth4webapi')
const { ISSUER, CLIENT_ID, CLIENT_KEY, CLIENT_KID, REDIRECT_URI, LOGOUT_URI } = process.env
const insecure = { [oauth.allowInsecureRequests]: true }

const issuer = new URL(ISSUER)
const found = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...insecure })
const as = await oauth.processDiscoveryResponse(issuer, found)
const plain = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
demand((await oauth.processDiscoveryResponse(issuer, plain)).token_endpoint === as.token_endpoint, 'one metadata')

const curve = { name: 'ECDSA', namedCurve: 'P-256' }
const key = await crypto.subtle.importKey('pkcs8', Buffer.from(CLIENT_KEY, 'base64'), curve, false, ['sign'])
const client = { client_id: CLIENT_ID }
const authenticate = oauth.PrivateKeyJwt({ key, kid: CLIENT_KID })
const proofs = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))

// A request that is told to use a nonce is sent again with the one it was given.
async function twice(request) {
  try {
    return await request()
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return await request()
  }
}

const verifier = oauth.generateRandomCodeVerifier()
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
const parameters = new URLSearchParams({
  client_id: CLIENT_ID,
  redirect_uri: REDIRECT_URI,
  response_type: 'code',
  scope: 'openid email offline_access',
  prompt: 'consent',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
})
const options = { DPoP: proofs, ...insecure }
const pushed = await twice(async () => {
  const answer = await oauth.pushedAuthorizationRequest(as, client, authenticate, parameters, options)
  return oauth.processPushedAuthorizationResponse(as, client, answer)
})
const to = new URL(as.authorization_endpoint)
to.searchParams.set('client_id', CLIENT_ID)
to.searchParams.set('request_uri', pushed.request_uri)
const arrived = await open(to)

const answer = oauth.validateAuthResponse(as, client, arrived, state)
const tokens = await twice(async () => {
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, authenticate, answer, REDIRECT_URI, verifier, options)
  return oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true })
})
demand(tokens.token_type === 'dpop', 'tokens are bound to the key')
const { sub } = oauth.getValidatedIdTokenClaims(tokens)

const user = await twice(async () => {
  const response = await oauth.userInfoRequest(as, client, tokens.access_token, options)
  return oauth.processUserInfoResponse(as, client, sub, response)
})
const fresh = await twice(async () => {
  const response = await oauth.refreshTokenGrantRequest(as, client, authenticate, tokens.refresh_token, options)
  return oauth.processRefreshTokenResponse(as, client, response)
})
demand(fresh.access_token !== tokens.access_token, 'a new access token')

const introspect = async (token) => {
  const response = await oauth.introspectionRequest(as, client, authenticate, token, insecure)
  return oauth.processIntrospectionResponse(as, client, response)
}
demand((await introspect(fresh.access_token)).active, 'the access token is active')
const refresh = fresh.refresh_token ?? tokens.refresh_token
await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, authenticate, refresh, insecure))
demand(!(await introspect(fresh.access_token)).active, 'a revoked refresh token takes the access token with it')

const end = new URL(as.end_session_endpoint)
end.search = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: LOGOUT_URI, state })
const back = await open(end)
demand(back.searchParams.get('state') === state, 'state after the logout')
done({ sub, email: user.email })
