-- Leaves room between requests: each connection waits for 16 to 48 milliseconds after an answer.

function delay()
   return math.random(16, 48)
end
