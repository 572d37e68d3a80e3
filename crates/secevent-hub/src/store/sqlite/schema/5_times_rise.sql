-- `event.iat` is what retention goes by, and from now on never less than that of an earlier event, whatever the clock
-- said; the claim itself is in `body`.
UPDATE event SET iat = risen.iat
FROM (SELECT seq, max(iat) OVER (ORDER BY seq) AS iat FROM event) AS risen
WHERE event.seq = risen.seq AND event.iat < risen.iat;
