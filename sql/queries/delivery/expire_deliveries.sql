-- Removes the record of messages that were settled before $1 timestamptz, except of alerts that are still open.
delete from runledger.alert_deliveries as d
where d.state <> 'pending' and d.finished_at < $1
  and not exists (
    select from runledger.alerts as a where a.tenant_id = d.tenant_id and a.alert_id = d.alert_id and a.state <> 'resolved'
  )
