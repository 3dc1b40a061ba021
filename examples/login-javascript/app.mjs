// An application that logs people in with Countersign: Node, openid-client, and nothing of Countersign's own.
// The tokens stay here; the browser holds the name of a session that this process remembers.
import http from 'node:http'
import { randomBytes, webcrypto } from 'node:crypto'

globalThis.crypto ??= webcrypto // Node 18
const oidc = await import('openid-client')

const issuer = new URL(process.env.ISSUER ?? 'http://localhost:8080')
const port = Number(process.env.PORT ?? 3000)
const home = `http://localhost:${port}/`
const callback = new URL('/callback', home)

// Plain http is for trying it on one machine; an https issuer needs no such word.
const insecure = issuer.protocol === 'http:' ? { execute: [oidc.allowInsecureRequests] } : undefined
const secret = oidc.ClientSecretBasic(process.env.CLIENT_SECRET)
const config = await oidc.discovery(issuer, process.env.CLIENT_ID, undefined, secret, insecure)

const begun = new Map() // state -> what the callback has to know
const sessions = new Map() // cookie -> tokens

const routes = {
  '/': (request, response, session) => {
    const page = session
      ? `<h1>Hello ${escape(session.name)}</h1><p><a href="/refresh">Refresh</a> <a href="/logout">Sign out</a></p>`
      : '<h1>Hello stranger</h1><p><a href="/login">Sign in</a></p>'
    response.setHeader('content-type', 'text/html; charset=utf-8').end(page)
  },
  '/login': async (request, response) => {
    const verifier = oidc.randomPKCECodeVerifier()
    const [state, nonce] = [oidc.randomState(), oidc.randomNonce()]
    begun.set(state, { verifier, nonce })
    const to = oidc.buildAuthorizationUrl(config, {
      redirect_uri: callback.href,
      scope: 'openid profile email',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    setCookie(response, 'app-login', state)
    redirect(response, to.href)
  },
  '/callback': async (request, response) => {
    const url = new URL(request.url, home)
    const state = cookie(request, 'app-login')
    const { verifier, nonce } = begun.get(state) ?? {}
    begun.delete(state)
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
    const tokens = await oidc.authorizationCodeGrant(config, url, checks)
    const user = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
    const id = randomBytes(32).toString('base64url')
    sessions.set(id, { name: user.name ?? user.email ?? user.sub, tokens })
    setCookie(response, 'app', id)
    redirect(response, '/')
  },
  '/refresh': async (request, response, session) => {
    if (!session) return redirect(response, '/login')
    session.tokens = { ...session.tokens, ...(await oidc.refreshTokenGrant(config, session.tokens.refresh_token)) }
    response.end('refreshed')
  },
  '/logout': (request, response, session) => {
    sessions.delete(cookie(request, 'app'))
    const ends = { post_logout_redirect_uri: home, id_token_hint: session?.tokens.id_token }
    redirect(response, session ? oidc.buildEndSessionUrl(config, ends).href : '/')
  },
}

const server = http.createServer(async (request, response) => {
  const route = routes[new URL(request.url, home).pathname]
  if (!route) return response.writeHead(404).end('nothing here')
  try {
    await route(request, response, sessions.get(cookie(request, 'app')))
  } catch (error) {
    console.error(error)
    response.writeHead(500).end('That did not work. Begin again at /login.')
  }
})
server.listen(port, 'localhost', () => console.log(`Running on ${home}`))

function cookie(request, name) {
  const pairs = (request.headers.cookie ?? '').split('; ').map((pair) => pair.split('='))
  return pairs.find(([key]) => key === name)?.[1]
}
function setCookie(response, name, value) {
  response.appendHeader?.('set-cookie', `${name}=${value}; HttpOnly; SameSite=Lax; Path=/`)
}
function redirect(response, to) {
  response.writeHead(303, { location: to }).end()
}
function escape(text) {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}
