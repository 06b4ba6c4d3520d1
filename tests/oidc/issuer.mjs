// A certified issuer of tokens, for the test beside it: prints where it is, and ends with its standard input.
import { generateKeyPairSync, webcrypto } from 'node:crypto'
import { createServer } from 'node:http'

// Node of Debian 12 has not learned these yet.
globalThis.crypto ??= webcrypto
URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null)
const { default: Provider } = await import('oidc-provider')

const rsa = ['rsa', { modulusLength: 2048 }]
const kinds = { RS256: rsa, PS256: rsa, ES256: ['ec', { namedCurve: 'P-256' }], ES384: ['ec', { namedCurve: 'P-384' }], EdDSA: ['ed25519'] }
const keys = Object.entries(kinds).map(([alg, kind]) => ({
  ...generateKeyPairSync(...kind).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg.toLowerCase(),
}))

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}/realms/shop`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'panel', client_secret: 'secret', grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
    }],
    jwks: { keys },
    enabledJWA: { clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // A resource is named by audience and algorithm: https://cordon.example/ES256.
        getResourceServerInfo: (_, resource) => ({
          scope: 'cordon.decide cordon.directory admin',
          audience: new URL(resource).origin,
          accessTokenTTL: 600,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: new URL(resource).pathname.slice(1) } },
        }),
      },
    },
  })
  const answer = provider.callback()
  server.on('request', (req, res) => {
    // It is mounted under a path, as issuers of many tenants are.
    if (!req.url.startsWith('/realms/shop/')) {
      res.writeHead(404).end()
      return
    }
    req.originalUrl = req.url
    req.url = req.url.slice('/realms/shop'.length)
    answer(req, res)
  })
  console.log(issuer)
})
process.stdin.resume()
process.stdin.on('end', () => process.exit())
