-- Tokens are looked up, seeded and marked as used through these functions alone, so that no role reads the hashes.

-- The live token with this SHA-256, or no row: unknown, revoked, expired, or of a disabled tenant.
-- Dropped first, because its columns cannot be changed otherwise; others see the old one until the new one is there.
drop function if exists runledger.find_token(bytea);
create function runledger.find_token(hash bytea)
returns table (token_id bigint, kind text, tenant_id int, name text, scopes text[], expires_at timestamptz, person text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select t.token_id, t.kind, t.tenant_id, t.name, t.scopes, t.expires_at, t.person
  from runledger.tokens as t
  left join runledger.tenants as n on n.tenant_id = t.tenant_id
  where t.token_hash = hash
    and t.revoked_at is null
    and (t.expires_at is null or t.expires_at > now())
    and (t.kind <> 'tenant' or n.status = 'active')
$$;

-- Notes that a token was used, at most once a minute.
create or replace function runledger.mark_token_used(used_token_id bigint) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  update runledger.tokens as t
  set last_used_at = now()
  where t.token_id = used_token_id and (t.last_used_at is null or t.last_used_at < now() - interval '1 minute')
$$;

-- Registers a token that comes from the configuration: created, present (it was there) or revoked (it was, and was taken back).
-- Other tokens of the same kind and name came from an older configuration and are revoked.
create or replace function runledger.seed_token(seed_kind text, seed_name text, seed_scopes text[], hash bytea) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  outcome text := 'present';
  was_revoked boolean;
begin
  insert into runledger.tokens (kind, name, scopes, token_hash)
  values (seed_kind, seed_name, seed_scopes, hash)
  on conflict (token_hash) do nothing;
  if found then
    outcome := 'created';
  else
    select t.revoked_at is not null into was_revoked from runledger.tokens as t where t.token_hash = hash;
    if was_revoked then
      return 'revoked';
    end if;
  end if;
  update runledger.tokens as t
  set revoked_at = now()
  where t.kind = seed_kind and t.name = seed_name and t.token_hash <> hash and t.revoked_at is null;
  return outcome;
end
$$;

-- Sign-ins are made anew every day, so that those that ended a month ago are taken away, a few at a time.
create or replace function runledger.forget_sign_ins() returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from runledger.tokens
  where token_id in (
    select t.token_id
    from runledger.tokens as t
    where t.person is not null and t.expires_at < now() - interval '30 days'
    order by t.token_id
    limit 100
  )
$$;

revoke all on function runledger.find_token(bytea) from public;
revoke all on function runledger.forget_sign_ins() from public;
revoke all on function runledger.mark_token_used(bigint) from public;
revoke all on function runledger.seed_token(text, text, text[], bytea) from public;
grant execute on function runledger.find_token(bytea) to runledger_ingest, runledger_operator;
grant execute on function runledger.mark_token_used(bigint) to runledger_ingest, runledger_operator;
grant execute on function runledger.seed_token(text, text, text[], bytea) to runledger_operator;
grant execute on function runledger.forget_sign_ins() to runledger_operator;
