-- People who sign in to the dashboard at an identity provider. A sign-in is a token with a person's name that ends by itself: who may read
-- what, revocation within seconds, a tenant that is disabled and the list of what holds are those of every other token.

set local citus.multi_shard_modify_mode = 'sequential'; -- a plain placeholder on PostgreSQL without Citus

alter table runledger.tokens add column person text;
alter table runledger.tokens add constraint tokens_person_ends check (person is null or (kind <> 'ingest' and expires_at is not null));
comment on column runledger.tokens.person is 'Who signed in at the identity provider; null: a token that was made for a program, or for anybody';
grant select (person) on runledger.tokens to runledger_operator;
