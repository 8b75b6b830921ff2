-- Everything mapping needs to know of this installation, as one JSON value read at one moment. Times are microseconds as text.
select json_build_object(
  'tenants', (select coalesce(json_agg(json_build_object('id', tenant_id, 'name', name, 'active', status = 'active')), '[]')
              from runledger.tenants where tenant_id > 0),
  'vendors', (select coalesce(json_agg(json_build_object('name', vendor, 'countHttp', count_http, 'aliases', aliases, 'hosts', hosts)
                                       order by vendor), '[]') from runledger.vendors),
  'prices', (select coalesce(json_agg(json_build_object(
                'id', price_id::text, 'tenantId', nullif(tenant_id, 0), 'vendor', vendor, 'model', nullif(model, ''), 'unit', unit,
                'amountUsd', amount_usd::text,
                'fromUs', case when isfinite(valid_from) then (extract(epoch from valid_from) * 1000000)::bigint::text end)
                order by vendor, model, unit, valid_from desc, price_id desc), '[]') from runledger.prices),
  'aliases', (select coalesce(json_agg(json_build_object('alias', alias, 'attribute', attribute)), '[]') from runledger.attribute_aliases),
  'quotas', (select coalesce(json_agg(json_build_object(
                'tenantId', tenant_id, 'spansPerSecond', spans_per_second, 'burstSpans', burst_spans, 'stagesPerRun', stages_per_run,
                'vendorsPerRun', vendors_per_run, 'openRuns', open_runs, 'parkedBytes', parked_bytes)), '[]') from runledger.tenant_quotas),
  'privacyKey', (select value from runledger.settings where name = 'privacy_key'),
  'floorUs', (select (extract(epoch from floor_day) * 1000000)::bigint::text from runledger.retention)
) as snapshot;
