-- Sets one price; a vendor's other names are resolved as mapping does. $1 tenant_id int (0: everybody), $2 vendor, $3 model ('': any),
-- $4 unit, $5 amount in US dollars as text, $6 valid_from timestamptz (null: always).
insert into runledger.prices (tenant_id, vendor, model, unit, amount_usd, valid_from)
values (
  $1::int,
  coalesce((select v.vendor from runledger.vendors v where $2::text = any (v.aliases) order by v.vendor limit 1), $2::text),
  $3::text, $4::text, $5::numeric, coalesce($6::timestamptz, '-infinity'::timestamptz)
)
on conflict (tenant_id, vendor, model, unit, valid_from) do update set amount_usd = excluded.amount_usd
returning price_id, vendor
