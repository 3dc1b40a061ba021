-- Refreshes: each answer's refresh token is sent in its turn.
--   wrk … -- FILE
-- FILE has one refresh token a line, at least one more for each thread than it has connections: wrk asks for a request
-- before it sends any. Two requests never carry the same token.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   tokens, first, last = {}, 1, 0
   local line_number = 0
   for line in io.lines(args[1]) do
      -- Two threads, each with every other line.
      if line_number % 2 == number then
         last = last + 1
         tokens[last] = line
      end
      line_number = line_number + 1
   end
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
   -- Refresh tokens have one length, and so have the requests. Putting one together anew each time would cost more than
   -- sending it.
   local sample = tokens[first]
   local whole = wrk.format(nil, nil, nil, "grant_type=refresh_token&client_id=countersign&refresh_token=" .. sample)
   head = whole:sub(1, -#sample - 1)
end

function request()
   local token = tokens[first] or error("more connections than refresh tokens")
   tokens[first] = nil
   first = first + 1
   return head .. token
end

function response(_, _, body)
   last = last + 1
   tokens[last] = body:match('"refresh_token":"([^"]+)"')
end
