// Runs @cloud-copilot/iam-simulate over a workload and prints a line of JSON.
//
// node simulate.mjs WORKLOAD.json SECONDS
import { readFileSync } from 'node:fs'
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate'

const [file, seconds] = process.argv.slice(2)
const { fullAccess, scps, entities, requests } = JSON.parse(readFileSync(file, 'utf8'))

const named = (policy, at) => ({ name: `policy-${at}`, policy })
const organization = policies => ({ orgIdentifier: 'r-root', policies: policies.map(named) })
const layers = entities.map(({ identity, boundary }) => ({
  identityPolicies: identity.map(named),
  serviceControlPolicies: scps.length === 0 ? [] : [organization([fullAccess, ...scps])],
  resourceControlPolicies: [],
  ...(boundary ? { permissionBoundaryPolicies: [named(boundary, 'boundary')] } : {}),
}))
const simulations = requests.map(({ entity, principal, action, resource, account, context }) => ({
  request: {
    principal,
    action,
    resource: { resource, accountId: account },
    contextVariables: context,
  },
  ...layers[entity],
}))

const measure = async simulate => {
  let n = 0
  let wrong = 0
  let errors = 0
  const started = process.hrtime.bigint()
  let elapsed = 0n
  while (n < simulations.length && elapsed < BigInt(seconds) * 1_000_000_000n) {
    let found = 'error'
    try {
      found = await simulate(simulations[n])
    } catch {
      errors += 1
    }
    if (found !== requests[n].wanted) wrong += 1
    n += 1
    elapsed = process.hrtime.bigint() - started
  }
  return { n, wrong, errors, seconds: Number(elapsed) / 1e9 }
}

const overall = result => (result.resultType === 'error' ? 'error' : result.overallResult)
const unchecked = result => (typeof result === 'string' ? result : overall(result))
console.log(
  JSON.stringify({
    unchecked: await measure(async one => unchecked(await runUnsafeSimulation(one, {}))),
    checked: await measure(async one => overall(await runSimulation(one, {}))),
  }),
)
