-- Pools, the slots that live schedulers hold of them, and how many schedulers wait for some.
-- params: none
-- columns: name slots used waiting
SELECT p.name, p.slots, coalesce(sum(u.used), 0) AS used, coalesce(sum(u.waiting), 0) AS waiting
FROM pools p
LEFT JOIN pool_use u ON u.pool = p.name AND u.scheduler_id IN (SELECT id FROM schedulers WHERE state = 'live')
GROUP BY p.name
ORDER BY p.name COLLATE "C"
