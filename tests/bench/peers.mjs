// peers.mjs: nanoseconds of one decision, by the number of statements, in libraries
// that answer the same question: does one of n statements, each of which allows
// one action on a resource of its own, allow the middle one? Tab-separated:
// name, statements, nanoseconds. `peers.mjs first NAME N` decides once and ends.
import process from 'node:process';

const SIZES = [1, 10, 100, 1000, 10000];

async function casl(n) {
	const { AbilityBuilder, createMongoAbility, subject } = await import('@casl/ability');
	const b = new AbilityBuilder(createMongoAbility);
	for (let i = 0; i < n; i++)
		b.can('GetObject', 'box', { name: `web${i}` });
	const ability = b.build();
	const asked = subject('box', { name: `web${n >> 1}` });
	return () => ability.can('GetObject', asked);
}

async function casbin(n) {
	const { newEnforcer, newModelFromString, StringAdapter } = await import('casbin');
	const model = newModelFromString('[request_definition]\nr = sub, obj, act\n' +
		'[policy_definition]\np = sub, obj, act\n[policy_effect]\ne = some(where (p.eft == allow))\n' +
		'[matchers]\nm = r.sub == p.sub && r.obj == p.obj && r.act == p.act\n');
	const lines = [];
	for (let i = 0; i < n; i++)
		lines.push(`p, sarah, web${i}, GetObject`);
	const e = await newEnforcer(model, new StringAdapter(lines.join('\n')));
	return () => e.enforceSync('sarah', `web${n >> 1}`, 'GetObject');
}

async function cedar(n) {
	const c = await import('@cedar-policy/cedar-wasm/nodejs');
	let text = '';
	for (let i = 0; i < n; i++)
		text += `permit(principal == User::"sarah", action == Action::"GetObject", resource == Box::"web${i}");\n`;
	const r = c.preparsePolicySet('bench', { staticPolicies: text });
	if (r.type !== 'success')
		throw new Error('cedar: ' + JSON.stringify(r));
	const call = { principal: { type: 'User', id: 'sarah' }, action: { type: 'Action', id: 'GetObject' },
		resource: { type: 'Box', id: `web${n >> 1}` }, context: {}, preparsedPolicySetId: 'bench', entities: [] };
	return () => c.statefulIsAuthorized(call).response.decision === 'allow';
}

async function iamSimulate(n) {
	const { runUnsafeSimulation } = await import('@cloud-copilot/iam-simulate');
	const statements = [];
	for (let i = 0; i < n; i++)
		statements.push({ Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::box/web${i}` });
	const simulation = {
		request: { principal: 'arn:aws:iam::123456789012:user/sarah', action: 's3:GetObject',
			resource: { resource: `arn:aws:s3:::box/web${n >> 1}`, accountId: '123456789012' }, contextVariables: {} },
		identityPolicies: [{ name: 'p', policy: { Version: '2012-10-17', Statement: statements } }],
		serviceControlPolicies: [], resourceControlPolicies: [],
	};
	return async () => {
		const r = await runUnsafeSimulation(simulation, {});
		return (r.overallResult ?? r.analysis?.result ?? r) === 'Allowed';
	};
}

const PEERS = { 'CASL': casl, 'casbin': casbin, 'Cedar wasm': cedar, 'iam-simulate': iamSimulate };

// The least of several rounds, each long enough to be timed.
async function measure(decide) {
	const answer = decide(), waits = answer instanceof Promise;
	if ((await answer) !== true)
		throw new Error('not allowed');
	const begin = process.hrtime.bigint();
	let least = Infinity, calls = 1;
	for (let round = 0; round < 3 || process.hrtime.bigint() - begin < 1_000_000_000n; round++) {
		const t = process.hrtime.bigint();
		for (let i = 0; i < calls; i++)
			waits ? await decide() : decide();
		const ns = Number(process.hrtime.bigint() - t);
		least = Math.min(least, ns / calls);
		if (ns < 1e6)
			calls *= 2;
	}
	return least;
}

const [, , mode, name, n] = process.argv;
if (mode === 'first') {
	const decide = await PEERS[name](Number(n));
	process.exit((await decide()) === true ? 0 : 1);
}
for (const peer of Object.keys(PEERS))
	for (const size of SIZES) {
		try {
			console.log(`${peer}\t${size}\t${(await measure(await PEERS[peer](size))).toFixed(1)}`);
		} catch (e) {
			console.error(`${peer}, ${size} statements: ${e.message}`);
			break;
		}
	}
