-- The model that a vendor call names. Mapping keeps it in extra under one name; rows from before that have it under the sender's, and where
-- that did not fit, the price that was found for it names it. Empty: none is known.
create or replace function runledger.event_model(extra jsonb, price_id text)
returns text
language sql immutable parallel safe
as $$
  select left(btrim(coalesce(
    extra ->> 'model',
    case
      when extra ?| array[
        'gen_ai.response.model', 'gen_ai.request.model', 'llm.response.model_name', 'llm.model_name', 'llm.request.model_name',
        'embedding.model_name', 'ai.response.model', 'ai.model.id'
      ] then coalesce(
        extra ->> 'gen_ai.response.model', extra ->> 'gen_ai.request.model', extra ->> 'llm.response.model_name',
        extra ->> 'llm.model_name', extra ->> 'llm.request.model_name', extra ->> 'embedding.model_name',
        extra ->> 'ai.response.model', extra ->> 'ai.model.id'
      )
    end,
    substring(price_id from '^genai-prices:[^/]+/(.+)$'),
    ''
  )), 100)
$$;
revoke all on function runledger.event_model(jsonb, text) from public;
