-- Takes what says who an item is out of its rows; what they add to counters stays, and so does their key, so that a resend is known. Of a
-- vendor call stay its model and units: derive counts by them.
-- $1 tenant_id, $2 company_id, $3 the number that stands for it from now on. As runledger_owner.
update public.run_event_logs
set
  company_id = $3::bigint,
  extra = jsonb_strip_nulls(jsonb_build_object(
    'erased', true,
    'model', case when kind = 'vendor_call' then nullif(runledger.event_model(extra, null), '') end,
    'runledger.units', case when kind = 'vendor_call' then extra -> 'runledger.units' end
  )),
  trace_id = ''
where tenant_id = $1::int and company_id = $2::bigint;
